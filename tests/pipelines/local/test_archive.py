"""The archive of local runs, and the last report."""

from pathlib import Path

import pytest

from pipelines.local import archive, compare, run_files
from tests.pipelines.local.conftest import FIRST, SECOND
from trainer_modules.digits import TASK
from trainer_modules.engine.errors import BadInputError


@pytest.mark.parametrize(
    ("name", "expected"),
    [("latest", SECOND), ("previous", FIRST), (FIRST, FIRST), (f"runs/{SECOND}/", SECOND)],
)
def test_runs_are_found_by_id_place_and_age(
    folder: str, name: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    found = archive.find(folder, name)
    assert found.name == expected
    assert found.summary["run_id"] == expected
    assert found.report["metrics"] and found.history["epochs"] and found.task["name"] == "digits"


def test_an_unknown_run_is_bad_input(folder: str, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=f"did you mean '{SECOND}'"):
        archive.find(folder, SECOND[:-1])
    with pytest.raises(BadInputError, match="no runs are kept"):
        archive.find(str(tmp_path / "empty"), "latest")


def test_a_failed_run_is_archived_as_far_as_it_got(tmp_path: Path) -> None:
    archive.keep(str(tmp_path), {"run_id": "x", "status": "failed"}, TASK, {})
    found = archive.find(str(tmp_path), "x")
    assert found.report == {} and found.summary["status"] == "failed"
    # It can still be compared.
    compare.render(compare.compare(found, found), found, found)


def test_the_last_report_replaces_the_one_before(tmp_path: Path) -> None:
    for content, extra in (("one", "old.png"), ("two", "new.png")):
        source = tmp_path / content
        source.mkdir()
        (source / "index.html").write_text(content)
        (source / extra).write_text("")
        index = archive.publish(str(source), str(tmp_path / "digits"))
    report = tmp_path / "digits/report"
    assert Path(index) == report / "index.html"
    assert sorted(p.name for p in report.iterdir()) == ["index.html", "new.png"]
    assert (report / "index.html").read_text() == "two"


def test_a_refused_night_is_archived_where_there_are_others(tmp_path: Path) -> None:
    error = BadInputError("phases.0.epochs must be int")
    archive.keep_refusal(str(tmp_path / "new"), run_id="x", name="new", error=error)
    assert not (tmp_path / "new").exists(), "a mistyped command leaves nothing behind"
    archive.keep(str(tmp_path), {"run_id": "a", "status": "pushed"}, TASK, {})
    archive.keep_refusal(str(tmp_path), run_id="b", name="digits", error=error)
    found = archive.find(str(tmp_path), "latest")
    assert found.name == "b" and found.task == {}
    assert found.summary["status"] == "failed" and "must be int" in found.summary["error"]


def test_each_night_keeps_its_report(tmp_path: Path) -> None:
    """The published page is replaced by the next run; the nights' own pages stay."""
    for number in range(2):
        source = tmp_path / f"artifact-{number}"
        source.mkdir()
        (source / "index.html").write_text(f"night {number}")
        archive.publish(str(source), str(tmp_path))
        archive.keep_report(str(tmp_path), f"run-{number}")
    pages = [Path(run_files.report_page(str(tmp_path), f"run-{n}")) for n in range(2)]
    assert [page.read_text() for page in pages] == ["night 0", "night 1"]
