"""What needs no data is refused before any are read."""

import dataclasses
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipelines import early_checks, tasks
from trainer_modules import boston_housing
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import vocabulary
from trainer_modules.engine.problems.class_tally import ClassTally
from trainer_modules.engine.problems.mask_tally import MaskTally
from trainer_modules.engine.problems.value_tally import RegressionTally
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.gates import AtLeast, AtMost, NoWorse

ROOT = Path(__file__).parents[2]
REFUSED = [
    ("digits", "gates.0.bound=60", r"within 0\.\.1.*the range of accuracy.*did you mean 0\.6"),
    ("digits", "gates.0.metric=acuracy", "accuracy"),
    ("boston_housing", "gates.0.bound=-1", "at least 0"),
    ("digits", "train.best_metric=val_acuracy", "did you mean 'val_accuracy'"),
    ("digits", 'train.early_stopping={"type":"EarlyStopping","monitor":"x"}', "early_stopping"),
    ("digits", 'phases.0.trainable={"type":"HeadOnly"}', "without a backbone"),
    ("digits", "phases.0.learning_rate=0", "above 0"),
    ("digits", "phases.0.learning_rate=-1e-3", "above 0"),
    ("digits", "phases.0.learning_rate=1e999", "above 0"),
    ("digits", "train.batch_size=0", "at least 1"),
    ("digits", "train.eval_batch_size=-1", "at least 1"),
    ("digits", "train.steps_per_execution=0", "at least 1"),
    ("digits", "train.shuffle=-1", "at least 0"),
    ("digits", "train.optimizer.epsilon=0", "above 0"),
    ("digits", "model.layers.1.units=0", "at least 1"),
    ("digits", "serving.tolerance=-1", "at least 0"),
    ("gtsrb", "model.name=VGG17", "did you mean 'VGG1[69]'"),
    ("gtsrb", "model.alpha=0.35", "MobileNets"),
    ("gtsrb", "input.height=31", "at least 32 for VGG16"),
    ("gtsrb", "model.weights=/nowhere/w.h5", "no weights at /nowhere"),
    ("gtsrb", 'phases.0.trainable={"type":"Last","layers":0}', "at least 1"),
    ("food101", "train.augment.zoom=1", "below 1"),
    ("flowers", "train.augment.saturation=(2, 0)", "with low <= high"),
    ("cassava", "phases.0.learning_rate.decay_rate=1.5", "at most 1"),
]


@pytest.mark.parametrize(("task", "setting", "said"), REFUSED, ids=[r[1][:40] for r in REFUSED])
def test_a_setting_that_cannot_work_is_refused(task: str, setting: str, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        early_checks.check_settings(tasks.load(task, (setting,)))


def test_every_task_passes_as_it_is_written() -> None:
    names = [name for name, _ in tasks.descriptions()]
    assert len(names) > 15
    for name in names:
        early_checks.check_settings(tasks.load(name))


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5", "w.keras", "w.txt", "folder"])
def test_a_file_that_is_no_weights_is_refused(tmp_path, name: str) -> None:
    path = tmp_path / name
    path.mkdir() if name == "folder" else path.write_bytes(b"not what its name says")
    with pytest.raises(BadInputError, match=str(path)):
        early_checks.check_weights(str(path))


def test_files_that_can_be_opened_pass(tmp_path) -> None:
    import h5py

    with h5py.File(tmp_path / "w.h5", "w"):
        pass
    with zipfile.ZipFile(tmp_path / "w.keras", "w"):
        pass
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved/saved_model.pb").touch()
    for name in ("w.h5", "w.keras", "saved"):
        early_checks.check_weights(os.fspath(tmp_path / name))
    early_checks.check_weights("gs://bucket/w.h5")


def test_no_metric_leaves_the_range_that_gates_are_held_to() -> None:
    """The ranges against what the tallies really compute, at the extremes and in between."""
    random = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    for classes in (2, 7):
        for sharp in (0.1, 50.0):
            tally = ClassTally(tuple(f"c{i}" for i in range(classes)))
            logits = random.normal(size=(60, classes)) * sharp
            p = np.exp(logits - logits.max(1, keepdims=True))
            p = p / p.sum(1, keepdims=True)
            labels = [f"c{i}" for i in random.integers(0, classes, 60)]
            _add(tally, labels, p)
            _collect(found, tally.metrics(), *tally.per_class().values())
    for name in (*found, *RegressionTally().metrics(), *MaskTally(("a", "b")).metrics()):
        low, high = vocabulary.measure(name).low, vocabulary.measure(name).high
        for value in found.get(name, []):
            assert np.isnan(value) or low - 1e-9 <= value <= high + 1e-9, (name, value)
    assert len(found) >= 12
    # Whatever is an error or a count has no upper bound; a fraction has.
    names = {*found, *RegressionTally().metrics()}
    unbounded = {name for name in names if not np.isfinite(vocabulary.measure(name).high)}
    assert {"log_loss", "mse", "rmse", "mae", "bias", "example_count", "support"} == unbounded


def _add(tally: ClassTally, labels: list[str], probabilities: np.ndarray) -> None:
    ids = [f"id{i}" for i in range(len(labels))]
    tally.add(labels, [{"probabilities": row} for row in probabilities], ids)


def _collect(found: dict[str, list[float]], *tables: dict[str, float]) -> None:
    for table in tables:
        for name, value in table.items():
            found.setdefault(name, []).append(float(value))


@pytest.mark.parametrize(
    "gate",
    [
        AtLeast("accuracy", float("nan")),
        AtLeast("accuracy", -0.1),
        AtMost("log_loss", -1.0),
        NoWorse("accuracy", tolerance=2.0),
        NoWorse("accuracy", tolerance=-0.1),
    ],
)
def test_bounds_that_no_model_can_meet_or_miss(gate) -> None:
    task = dataclasses.replace(tasks.load("digits"), gates=(gate,))
    with pytest.raises(BadInputError, match=r"gates\.0\."):
        early_checks.check_settings(task)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('phases.0.trainable={"type":"Last","layers":999}', "at most the"),
        ("model.weights=WRONG", "do not match VGG16"),
    ],
)
def test_the_network_is_built_before_the_data_are_read(tmp_path, setting: str, said: str) -> None:
    from tf_keras import applications

    wrong = tmp_path / "wrong.h5"
    applications.MobileNetV2(weights=None, alpha=0.35, include_top=False).save_weights(wrong)
    task = tasks.load("gtsrb", (setting.replace("WRONG", str(wrong)),), None)
    early_checks.check_settings(task)
    with pytest.raises(BadInputError, match=said):
        early_checks.check_network(task, download=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "boston_housing:all", "image_folder", "camvid"])
def test_a_sound_network_passes_and_leaves_no_trace(name: str) -> None:
    """Classes that are unknown and figures of the data that are not there stop nothing."""
    from tf_keras import layers

    early_checks.check_network(tasks.load(name), download=False)
    assert layers.Dense(1).name == "dense"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ('problem={"type": "Segmentation", "classes": ["a", "b"]}', "Images(…) for Segmentation"),
        ('model={"type": "Backbone", "name": "MobileNetV2"}', "Images(…) for MobileNetV2"),
        ('model={"type": "SavedNetwork"}', "Images(…) for SavedNetwork"),
        ("train.augment.flip=true", "Images(…) for train.augment"),
    ],
)
def test_what_needs_images_refuses_columns(setting: str, says: str) -> None:
    task = dataclasses.replace(boston_housing.TASK, gates=())
    with pytest.raises(BadInputError) as refused:
        early_checks.check_settings(overrides.apply(task, [setting]))
    assert says in str(refused.value) and "Received: Columns(names=('RM',))" in str(refused.value)
