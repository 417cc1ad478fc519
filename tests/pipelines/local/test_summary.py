"""The stable file that scripts read, and the class that it calls the worst."""

import json
from pathlib import Path

import pytest

from pipelines.local import summary as summaries
from pipelines.local.summary import Summary, worst_class


def test_worst_class_of_none() -> None:
    assert worst_class({}) is None
    assert worst_class({"road": {"iou": 0.9, "f1": 0.1}, "pole": {"iou": 0.2, "f1": 0.9}}) == (
        "pole",
        {"iou": 0.2, "f1": 0.9},
    )


def test_classes_without_examples_are_not_the_worst() -> None:
    found = {
        "absent": {"f1": 0.0, "support": 0},
        "undefined": {"f1": None, "support": 2},
        "good": {"f1": 0.9, "support": 5},
    }
    assert worst_class(found) == ("undefined", found["undefined"])
    assert worst_class({"absent": found["absent"]}) is None


def test_the_file_is_json_that_others_may_read_and_replaces_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "summary.json"
    Summary(task="digits", run_id="1", counts={"train": 3}).write(str(path))
    Summary(task="digits", run_id="2", error="crème brûlée", status="failed").write(str(path))
    text = path.read_text(encoding="utf-8")
    found = json.loads(text)
    assert (found["run_id"], found["error"], found["counts"]) == ("2", "crème brûlée", {})
    assert "crème" in text, "for people, too"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path], "no temporary file stays"


def test_a_write_that_fails_keeps_the_file_of_the_run_before(
    tmp_path: Path,
) -> None:
    path = tmp_path / "summary.json"
    Summary(task="digits", run_id="1").write(str(path))
    before = path.read_bytes()
    broken = Summary(task="digits", run_id="2", gates=[{"value": object()}])
    with pytest.raises(TypeError, match="not JSON serializable"):
        broken.write(str(path))
    assert path.read_bytes() == before


def test_every_status_has_its_exit_code() -> None:
    assert Summary(task="t", run_id="r").status == summaries.FAILED
    codes = {"pushed": 0, "held": 0, "nothing_new": 0, "failed": 1, "not_blessed": 3}
    assert codes == summaries.EXIT_CODES
