"""Where a model comes from: data, base weights, code."""

from typing import Any

from components.report.material import Material


def lineage(material: Material) -> dict[str, Any] | None:
    """What went into the model."""
    return {"rows": material.lineage} if material.lineage else None


def describe(task: dict[str, Any], uris: dict[str, str], code: str) -> list[tuple[str, str]]:
    """Returns the (name, value) pairs of a model's lineage.

    Args:
      task: The task as `overrides.to_plain` writes it.
      uris: What the artifact is → its URI.
      code: Fingerprint of the project's code.
    """
    network = task["model"]
    name = network["type"].rpartition(".")[2]
    base = f"{name} {network['name']}" if "name" in network else name
    weights = network.get("weights", "none")
    problem = task["problem"]
    unit = f" [{problem['unit']}]" if problem.get("unit") else ""
    target = [("target", f"{problem['target']}{unit}")] if "target" in problem else []
    return [
        ("task", task["name"]),
        *target,
        ("network", base),
        ("base weights", weights if weights != "none" else "none, trained from scratch"),
        ("code fingerprint", code),
        *uris.items(),
    ]
