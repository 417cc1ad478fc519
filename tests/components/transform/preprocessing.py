"""Functions as a task file may define them: their analysis reaches every example."""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft


def scaled(inputs: dict[str, Any]) -> dict[str, Any]:
    """Each example's value follows from all of them."""
    return {"id": inputs["id"], "x": tft.scale_to_z_score(inputs["x"])}


def vocabulary(inputs: dict[str, Any]) -> dict[str, Any]:
    """A lookup table holds what all examples have."""
    return {"id": inputs["id"], "word": tft.compute_and_apply_vocabulary(inputs["word"])}


def alone(inputs: dict[str, Any]) -> dict[str, Any]:
    """Nothing is analysed."""
    return {"id": inputs["id"], "x": inputs["x"] * 2}


def constants(inputs: dict[str, Any]) -> dict[str, Any]:
    """The analysis is the same in every example, and nothing else depends on it."""
    mean = tft.mean(inputs["x"])
    return {"x": inputs["x"], "mean": tf.fill(tf.shape(inputs["x"]), mean)}


def both(inputs: dict[str, Any]) -> dict[str, Any]:
    """One result is used twice."""
    return constants(inputs) | {"y": inputs["x"] - tft.mean(inputs["x"])}
