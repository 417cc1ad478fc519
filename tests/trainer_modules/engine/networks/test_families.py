"""A family of networks is one network, whatever the weights and however many replicas."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tf_keras

from trainer_modules.engine.networks import backbones
from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.task import Task
from trainer_modules.engine.training import strategy

# The smallest member of each family of `keras.applications`, and the smallest image it takes.
FAMILIES = {
    "ConvNeXtTiny": 32,
    "DenseNet121": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "InceptionResNetV2": 75,
    "InceptionV3": 75,
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "NASNetMobile": 224,
    "RegNetX002": 32,
    "ResNet50": 32,
    "ResNet50V2": 32,
    "ResNetRS50": 32,
    "VGG16": 32,
    "Xception": 71,
}
QUICK = ("EfficientNetB0", "MobileNetV2")

# Builds a network where it is trained, with every kind of weights, and holds its export against
# it. `imagenet` is Keras' own way, but for the download: it gets a file that was made here.
MATRIX = """
import json, sys
import numpy as np
import trainer_modules
import tensorflow as tf
from tf_keras.src.utils import data_utils
from trainer_modules.engine.networks import models
from trainer_modules.engine.training import exported
from trainer_modules.engine.task import overrides, serialisation
from trainer_modules.engine.training import strategy
from trainer_modules.engine.training.input_pipeline import Split
from trainer_modules.engine.training.examples import Shards
given = json.loads(open(sys.argv[1]).read())
asked = []
data_utils.get_file = lambda *a, **k: asked.append(a) or given["file"]
tf.config.run_functions_eagerly(given["eager"])
rng = np.random.default_rng(0)
done = []
for replicas in (2, 1):  # The logical devices must exist before anything else runs.
    for weights in ("imagenet", given["file"], "none"):
        task = serialisation.from_plain(given["task"])
        task = overrides.apply(task, [f"model.weights={weights}"])
        place = strategy.choose(task.train)
        if replicas == 1:
            place = strategy.Placement(strategy=tf.distribute.get_strategy(), device="cpu",
                replicas=1, workers=1, is_chief=True, precision="float32")
        with place.strategy.scope():
            model = models.build(task).model
        images = rng.integers(0, 256, (4, task.input.height, task.input.width, 3), np.uint8)
        split = Split(task=task, shards=Shards((), 4, None), memory=(images, None))
        trained = exported.Trained(model=model, placement=place, task=task)
        network = exported.network(trained)
        exported.check(trained, network, split)
        kind = "path" if weights == given["file"] else weights
        answers = network(images, training=False).numpy()
        done.append({"weights": kind, "replicas": place.replicas, "asked": len(asked),
            "layers": [type(x).__name__ for x in network._flatten_layers()],
            "varies": float(answers.std(axis=0).max()), "answers": answers.tolist()})
        asked.clear()
print(json.dumps(done))
"""


def checked(task: Task, weights: Path, tmp_path: Path) -> list[Any]:
    """Runs `MATRIX` for a network; returns what it found of each combination."""
    given = {
        "file": str(weights),
        "task": serialisation.to_plain(task),
        "eager": True,  # Tracing twelve deep networks would take most of the time.
    }
    (tmp_path / "given.json").write_text(json.dumps(given))
    done = subprocess.run(
        [sys.executable, "-c", MATRIX, str(tmp_path / "given.json")],
        env={**os.environ, strategy.LOGICAL_CPUS: "2"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads(done.stdout.strip().splitlines()[-1]))


def hold_together(found: list[dict[str, Any]]) -> None:
    """Asserts that all combinations are one network, and say something."""
    assert [(f["weights"], f["replicas"]) for f in found] == [
        (weights, replicas) for replicas in (2, 1) for weights in ("imagenet", "path", "none")
    ]
    for one in found:
        assert one["layers"] == found[0]["layers"]
        assert (one["asked"] > 0) == (one["weights"] == "imagenet")
        if one["weights"] != "none":
            # Far above rounding; how far depends on the random head.
            assert one["varies"] > 1e-5


@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        *(pytest.param(n, marks=pytest.mark.slow) for n in sorted(set(FAMILIES) - set(QUICK))),
    ],
)
def test_other_weights_and_devices_make_no_other_network(
    name: str,
    network_task: Callable[..., Task],
    stand_in: Callable[..., Path],
    tmp_path: Path,
) -> None:
    size = FAMILIES[name]
    task = network_task(name, size)
    hold_together(checked(task, stand_in(name, size, tmp_path), tmp_path))


def test_the_families_are_all_of_keras() -> None:
    """A network of `keras.applications` whose module is not here would go untested."""
    applications = tf_keras.applications

    def module(name: str) -> str:
        return getattr(applications, name).__module__

    tested = {module(name) for name in FAMILIES}
    assert {module(name) for name in backbones.names()} <= tested | {
        "tf_keras.src.applications.vgg19"
    }
