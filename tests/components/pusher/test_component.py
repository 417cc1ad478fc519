import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainer_modules import digits
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Recipe

TASK = overrides.apply(digits.TASK, ["gates.0.bound=0.5", "source.eval_fraction=0.4"])
TUNED = overrides.apply(digits.TASK, ["phases.0.epochs=7"]).recipe


def _export(
    folder: Path, fingerprint: bytes, classes: str = "", task: Recipe = digits.TASK
) -> Path:
    (folder / "assets").mkdir(parents=True)
    task_asset = folder / "assets/task.json"
    task_asset.write_text(overrides.to_json(task))
    if classes:
        (folder / "assets/classes.txt").write_text("".join(f"{c}\n" for c in classes))
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables").mkdir()
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (folder / "variables" / name).write_bytes(b"values")
    (folder / "fingerprint.pb").write_bytes(fingerprint)
    return folder


@pytest.fixture
def push(tfx_ready: None, tmp_path: Path) -> Callable[..., Any]:
    from tfx.proto import pusher_pb2
    from tfx.types import standard_artifacts
    from tfx.utils import proto_utils

    from components.pusher.component import Executor

    destination = pusher_pb2.PushDestination()
    destination.filesystem.base_directory = str(tmp_path / "serving")
    places = iter(range(99))

    def run(fingerprint: bytes, blessed: int = 1, classes: str = "") -> Any:
        place = tmp_path / f"artifacts-{next(places)}"
        model, pushed = standard_artifacts.Model(), standard_artifacts.PushedModel()
        blessing = standard_artifacts.InfraBlessing()
        _export(place / "model" / "Format-Serving", fingerprint, classes, TUNED)
        model.uri, pushed.uri = str(place / "model"), str(place / "pushed")
        blessing.set_int_custom_property("blessed", blessed)
        Executor().Do(
            {"model": [model], "infra_blessing": [blessing]},
            {"pushed_model": [pushed]},
            {
                "push_destination": proto_utils.proto_to_json(destination),
                "custom_config": json.dumps({"task": overrides.to_json(TASK)}),
            },
        )
        return pushed

    return run


def _destination(pushed: Any) -> str:
    return str(pushed.get_string_custom_property("pushed_destination"))


def _versions(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.isdigit())


def test_the_same_export_is_no_new_version(push: Any, tmp_path: Path) -> None:
    served = tmp_path / "serving"
    _export(served / "100", b"one")
    again = push(b"one")
    assert _destination(again) == str(served / "100")
    assert again.get_string_custom_property("pushed_version") == "100"
    assert (
        again.get_int_custom_property("unchanged") == again.get_int_custom_property("pushed") == 1
    )
    assert _versions(served) == ["100"]
    assert (Path(again.uri) / "saved_model.pb").exists()


def test_a_push_that_was_killed_is_done_again(push: Any, tmp_path: Path) -> None:
    served = tmp_path / "serving"
    torn = _export(served / "100", b"one")
    (torn / "saved_model.pb").write_bytes(b"gra")
    assert Path(_destination(push(b"one"))).name != "100"
    assert len(_versions(served)) == 2


def test_what_lies_beside_an_export_makes_it_no_other(push: Any, tmp_path: Path) -> None:
    (_export(tmp_path / "serving" / "100", b"one") / "MODEL_CARD.md").write_text("card")
    assert Path(_destination(push(b"one"))).name == "100"


def test_another_export_is_pushed(push: Any, tmp_path: Path) -> None:
    served = tmp_path / "serving"
    _export(served / "100", b"one")
    (_export(served / "200", b"") / "fingerprint.pb").unlink()
    new = push(b"one")
    assert Path(_destination(new)).parent == served and _destination(new) != str(served / "200")
    assert not new.get_int_custom_property("unchanged")
    assert len(_versions(served)) == 3


def test_the_first_one_is_pushed_and_what_is_not_blessed_is_not(push: Any, tmp_path: Path) -> None:
    assert not _destination(push(b"one", blessed=0))
    assert not (tmp_path / "serving").exists()
    first = push(b"one")
    assert _destination(push(b"one")) == _destination(first)
    assert not _destination(push(b"one", blessed=0))


def test_a_model_of_other_things_takes_nobodys_place(push: Any, tmp_path: Path) -> None:
    """What no look before the run can see, as in a bucket, is seen here at the latest."""
    from trainer_modules.engine.errors import BadInputError

    serving = tmp_path / "serving"
    _export(serving / "100", b"one", "ab")
    with pytest.raises(BadInputError, match="the classes x, y, and the model .* knows none"):
        push(b"two", classes="xy")
    assert _versions(serving) == ["100"]
    assert not _destination(push(b"two", blessed=0, classes="xy"))
    assert _destination(push(b"three", classes="bc"))


def _carried(model: str) -> Any:
    return overrides.from_json(Path(model, "assets/task.json").read_text())


def test_what_is_pushed_carries_the_task_that_was_run_and_what_was_trained(push: Any) -> None:
    pushed = push(b"one")
    run = overrides.apply(TASK, ["phases.0.epochs=7"])
    assert _carried(_destination(pushed)) == _carried(pushed.uri) == run
    assert not list(Path(_destination(pushed)).rglob("*.new"))


def test_a_version_keeps_the_task_of_the_run_that_pushed_it(push: Any, tmp_path: Path) -> None:
    before = _export(tmp_path / "serving" / "100", b"one")
    assert _destination(push(b"one")) == str(before)
    assert _carried(str(before)) == digits.TASK


def test_a_push_that_ended_before_the_task_was_written_is_completed(push: Any, tmp_path) -> None:
    torn = _export(tmp_path / "serving" / "100", b"one", task=TUNED)
    assert _destination(push(b"one")) == str(torn)
    assert _carried(str(torn)).gates == TASK.gates


def test_a_recipe_of_another_format_is_refused(tmp_path: Path) -> None:
    from trainer_modules.engine.saved_model import task_asset

    model = str(_export(tmp_path / "model", b"one", task=TUNED))
    newer = json.dumps({**json.loads(overrides.to_json(TASK)), "format_version": 99})
    with pytest.raises(RuntimeError, match="must have format_version 99"):
        task_asset.complete(model, newer)
