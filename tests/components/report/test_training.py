"""The curves, the settings and the network of a training."""

import re
from typing import Any

import pytest

from components.report import training
from components.report.material import Material
from tests.components.report import runs

CLASSES = ("daisy", "roses")


def _titles(curves: dict[str, Any]) -> list[str]:
    return [re.findall('aria-label="([^"]*)"', svg)[0] for svg in curves["charts"]]


def test_the_loss_comes_first_then_what_was_watched() -> None:
    history = runs.history() | {"monitor": "val_recall"}
    for row in history["epochs"]:
        row |= {"auc": 0.5, "recall": 0.5, "val_precision": 0.5}
    found = training.curves(Material(history=history))
    assert found is not None
    assert _titles(found) == ["loss", "recall", "accuracy", "AUC", "learning rate"]
    assert (found["monitor"], found["best_epoch"]) == ("validation recall", 9)
    assert [row["epoch"] for row in found["epochs"]] == list(range(1, 11))


@pytest.mark.parametrize(
    ("rates", "drawn"),
    [([1e-3, 1e-3], False), ([1e-3, 1e-4], True), ([None, 1e-3], False), ([0.0, 1e-3], True)],
)
def test_a_learning_rate_is_drawn_where_it_changes(rates: list[float | None], drawn: bool) -> None:
    rows = [{"epoch": i, "loss": 1.0, "learning_rate": rate} for i, rate in enumerate(rates)]
    found = training.curves(Material(history={"epochs": rows}))
    assert found is not None and ("learning rate" in _titles(found)) == drawn


def test_the_monitor_on_the_training_data_is_not_called_validation() -> None:
    found = training.curves(Material(history=runs.history() | {"monitor": "loss"}))
    assert found is not None and found["monitor"] == "loss"


def test_each_further_phase_is_named_with_what_it_trains() -> None:
    history = runs.history()
    history["phases"].append({"first_epoch": 9, "trainable": "Last(layers=8)"})
    found = training.curves(Material(history=history))
    assert found is not None
    assert found["fine_tuning"] == [
        "phase 2 from epoch 6, fine-tuning: everything",
        "phase 3 from epoch 9, fine-tuning: last layers=8",
    ]
    assert "phase 2" in found["charts"][0] and "phase 1" not in found["charts"][0]


START = {
    "asked": "both",
    "from": "champion",
    "model": "/runs/7",
    "reason": "",
    "added": ["14"],
    "removed": [],
    "compared": {"metric": "accuracy", "champion": 0.91, "scratch": 0.9},
}


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (
            START,
            "started from the last model (/runs/7); new classes 14; validation accuracy 0.91 from "
            "the last model, 0.9 from scratch",
        ),
        (START | {"compared": {}, "added": []}, "started from the last model (/runs/7)"),
        (
            START | {"from": "scratch"},
            "started from scratch; validation accuracy 0.91 from the last model, 0.9 from scratch",
        ),
        (
            START | {"from": "scratch", "reason": "there is none", "compared": {}},
            "started from scratch: there is none",
        ),
        # Nothing but scratch was asked for.
        (None, ""),
    ],
)
def test_what_a_training_started_from_is_said(start: Any, said: str) -> None:
    history = runs.history() | ({"start": start} if start else {})
    found = training.curves(Material(history=history))
    assert found is not None and found["started"] == said


def test_without_epochs_there_are_no_curves() -> None:
    assert training.curves(Material()) is None
    assert training.model(Material()) is None


def test_settings_stand_under_the_keys_that_set_takes() -> None:
    """Each of the shown keys, given back with `--set`, is one of the task's own."""
    from trainer_modules.digits import TASK
    from trainer_modules.engine.task import overrides

    found = training.settings(Material(task=overrides.to_plain(TASK)))
    shown = dict(found["rows"])
    assert shown["train.batch_size"] == str(TASK.train.batch_size)
    assert shown["input.height"] == str(TASK.input.height)
    assert not {"name", "gates", "source"} & {key.partition(".")[0] for key in shown}
    keys = [key for key, value in found["rows"] if value.isdigit()]
    assert len(keys) > 3
    for key in keys:
        changed = overrides.apply(TASK, [f"{key}={shown[key]}"])
        assert changed == TASK, key


def test_values_of_every_kind_are_flattened() -> None:
    task = {
        "type": "trainer_modules.engine.task.Task",
        "model": {
            "type": "Network",
            "layers": [{"type": "Dense", "units": 4}, {"type": "Flatten"}],
        },
        "phases": [{"type": "Phase", "epochs": None}],
        "few": [1, 2],
        "many": list(range(100, 115)),
        "empty": "",
    }
    assert list(training.flat("", task)) == [
        ("model", "Network"),
        ("model.layers.0", "Dense"),
        ("model.layers.0.units", "4"),
        ("model.layers.1", "Flatten"),
        ("phases.0", "Phase"),
        ("phases.0.epochs", "–"),
        ("few", "1, 2"),
        ("many", f"{', '.join(map(str, range(100, 112)))}, … (15 in all)"),
        ("empty", "–"),
    ]
