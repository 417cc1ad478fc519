"""Trainings from scratch, from an earlier model and from both; on tiny networks."""

import dataclasses
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.networks import models
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import write
from trainer_modules.engine.task.layers import Dense, Flatten
from trainer_modules.engine.task.task import Network, Phase, Task
from trainer_modules.engine.training import callbacks, resume, start
from trainer_modules.engine.training.history import Trained
from trainer_modules.engine.training.start import CHOSEN_FILE, Start

Train = Callable[..., Trained]


@pytest.fixture(scope="module")
def train(tiny_files: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Train:
    folder = tmp_path_factory.mktemp("trainings")

    def trained(task: Task, begin: Start, checkpoints: Path | None = None) -> Trained:
        return start.train(
            task,
            begin,
            **tiny_files,
            model_dir=str(folder / "model"),
            log_dir=str(folder / "logs"),
            checkpoint_dir=str(checkpoints) if checkpoints else None,
        )

    return trained


@pytest.fixture(scope="module")
def task(tiny: Callable[..., Task]) -> Task:
    return tiny(phases=(Phase(epochs=10, learning_rate=0.01),))


@pytest.fixture(scope="module")
def scratch(train: Train, task: Task) -> Trained:
    return train(task, Start())


@pytest.fixture(scope="module")
def earlier(scratch: Trained, task: Task, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A trained model, as Trainer's artifact holds it."""
    folder = str(tmp_path_factory.mktemp("artifact") / "Format-Serving")
    write.save(scratch.model, task, folder)
    return folder


@pytest.fixture(scope="module")
def warm(train: Train, task: Task, earlier: str) -> Trained:
    return train(task, Start(asked="champion", model=earlier))


@pytest.fixture(scope="module")
def both(train: Train, task: Task, earlier: str) -> Trained:
    return train(task, Start(asked="both", model=earlier))


def equal(one: Trained, other: Trained) -> bool:
    return all(map(np.array_equal, one.model.get_weights(), other.model.get_weights()))


def test_a_warm_training_is_shorter_and_begins_where_the_last_one_ended(
    scratch: Trained, warm: Trained, earlier: str
) -> None:
    assert "start" not in scratch.history
    assert [len(t.history["epochs"]) for t in (scratch, warm)] == [10, 2]
    assert warm.history["epochs"][0]["loss"] < scratch.history["epochs"][3]["loss"]
    about = warm.history["start"]
    assert (about["from"], about["model"]) == ("champion", str(Path(earlier).parent))
    assert (about["reason"], about["compared"]) == ("", {})
    json.dumps(warm.history, allow_nan=False)


def test_what_cannot_go_on_starts_from_scratch_and_says_why(
    train: Train, scratch: Trained, task: Task, tiny: Callable[..., Task], earlier: str, caplog: Any
) -> None:
    first = train(task, Start(asked="champion"))
    assert equal(first, scratch) and len(first.history["epochs"]) == 10
    assert first.history["start"]["from"] == "scratch"
    assert first.history["start"]["model"] is None
    assert "no blessed model" in first.history["start"]["reason"]
    wider = tiny(model=Network(layers=(Flatten(), Dense(17, "relu"))))
    with caplog.at_level(logging.WARNING):
        other = train(wider, Start(asked="both", model=earlier))
    assert "starting from scratch: the last model has another network" in caplog.text
    assert other.history["start"]["from"] == "scratch"
    assert other.history["start"]["compared"] == {}


def test_of_both_the_better_one_on_the_validation_split_goes_on(
    scratch: Trained, warm: Trained, both: Trained
) -> None:
    alone = {"scratch": scratch, "champion": warm}
    about = both.history["start"]
    compared = about["compared"]
    assert about["from"] == max(("champion", "scratch"), key=lambda name: compared[name])
    # The same start and seed give the same weights, and the score is that of the last epoch.
    assert equal(both, alone[about["from"]])
    for name, trained in alone.items():
        measured = trained.history["epochs"][-1]["val_accuracy"]
        assert compared[name] == pytest.approx(measured)
    assert compared["metric"] == "accuracy"


def test_what_learns_nothing_from_scratch_goes_on_from_the_last_model(
    train: Train, tiny: Callable[..., Task], earlier: str
) -> None:
    task = tiny(phases=(Phase(epochs=1, learning_rate=1e-6),))
    about = train(task, Start(asked="both", model=earlier)).history["start"]
    assert about["from"] == "champion"
    assert about["compared"]["champion"] > about["compared"]["scratch"]


@pytest.mark.parametrize(
    ("monitor_is_error", "scores", "chosen"),
    [
        (False, (0.8, 0.9), "scratch"),
        (False, (0.9, 0.8), "champion"),
        (True, (0.8, 0.9), "champion"),
        (True, (0.9, 0.8), "scratch"),
        # Of equals the one that changes fewer answers.
        (False, (0.9, 0.9), "champion"),
        (True, (0.9, 0.9), "champion"),
    ],
)
def test_the_better_score_is_the_lower_one_of_errors(
    monitor_is_error: bool, scores: tuple[float, float], chosen: str, task: Task
) -> None:
    class Judged(Classification):
        pass

    Judged.monitor_is_error = monitor_is_error
    task = dataclasses.replace(task, problem=Judged(classes=("a", "b")))
    trained = {
        name: Trained(
            model=None,
            history={},
            summary_text="",
            trainable_count=0,
            frozen_count=0,
            problem=task.problem,
            score=score,
        )
        for name, score in zip(("champion", "scratch"), scores, strict=True)
    }
    better = start._better(task, trained, {})
    assert better is trained[chosen] and better.history["start"]["from"] == chosen


def test_new_classes_are_recorded(train: Train, tiny: Callable[..., Task], tmp_path: Path) -> None:
    two = tiny(problem=Classification(classes=("left", "middle", "gone")))
    write.save(train(two, Start()).model, two, str(tmp_path / "earlier"))
    begin = Start(asked="champion", model=str(tmp_path / "earlier"))
    about = train(tiny(), begin).history["start"]
    assert (about["added"], about["removed"]) == (("right",), ("gone",))


def test_an_interrupted_training_goes_on_in_each_of_both(
    train: Train,
    task: Task,
    both: Trained,
    earlier: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = Start(asked="both", model=earlier)
    states = tmp_path / "states"
    epochs: list[int] = []
    ended = callbacks.Progress.on_epoch_end

    def interrupted(self: Any, epoch: int, logs: Any = None) -> None:
        ended(self, epoch, logs)
        epochs.append(epoch)
        # After both epochs of the first training and some of the second.
        if len(epochs) == 6:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.Progress, "on_epoch_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(task, begin, states)
        again = train(task, begin, states)
    assert epochs[:3] == [0, 1, 0] and epochs[6] == 3, "began again from the beginning"
    assert equal(both, again)
    assert both.history["start"] == again.history["start"]
    assert sorted(path.name for path in states.iterdir()) == ["champion", "scratch"]
    begin.forget(str(states))
    assert not [path for path in states.rglob("*") if path.is_file()]


def test_another_start_does_not_go_on_from_an_interrupted_one(
    train: Train, task: Task, earlier: str, tmp_path: Path, caplog: Any
) -> None:
    train(task, Start(asked="champion", model=earlier), tmp_path / "states")
    # The same phases, but other weights to begin with.
    other = str(tmp_path / "other" / "Format-Serving")
    write.save(models.build(task).model, task, other)
    train(task, Start(asked="champion", model=other), tmp_path / "states")
    assert "had other settings or data" in caplog.text


def test_a_plain_training_keeps_its_state_where_it_did(tmp_path: Path) -> None:
    for asked in ("scratch", "champion"):
        folders = Start(asked=asked).folders(str(tmp_path))
        assert set(folders.values()) == {str(tmp_path)}
    (tmp_path / "training_state.npz").touch()
    Start().forget(str(tmp_path))
    assert not resume.load(str(tmp_path), "")


def test_a_copied_model_is_named_by_its_version(tmp_path: Path) -> None:
    """Where a platform hands on a copy, the step that copied it says of what."""
    (tmp_path / "Format-Serving").mkdir()
    chosen = {"version": "gs://b/serving/signs/17", "examples": "gs://b/root/examples/3"}
    (tmp_path / CHOSEN_FILE).write_text(json.dumps(chosen))
    about = Start(asked="champion", model=str(tmp_path / "Format-Serving")).about()
    assert (about["model"], about["version"]) == ("gs://b/serving/signs/17", "17")
    assert about["examples"] == "gs://b/root/examples/3"
