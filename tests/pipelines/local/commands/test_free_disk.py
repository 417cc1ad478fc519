"""`--gc`, through the program's own command line."""

from pathlib import Path
from typing import Any

import pytest

from pipelines import run_local
from pipelines.local import locking


@pytest.fixture
def nights(tmp_path: Path, tfx_ready: Any) -> Any:
    from tests.pipelines.local.housekeeping.nightly_root import Nights

    made = Nights(tmp_path)
    for number in range(3):
        made.night(number, blessed=False)
    return made


def _run(nights: Any, *options: str) -> int:
    return run_local.main(["--root", nights.config.root, *options])


def test_it_says_first_and_then_frees(nights: Any, capsys: pytest.CaptureFixture) -> None:
    before = nights.there()
    assert _run(nights, "--gc", "1", "--dry-run") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Trainer 4.0 KB" in told and "2 nights lose" in told and "freed 2" not in told
    assert nights.there() == before
    assert _run(nights, "--gc", "1") == 0
    assert "freed 2" in capsys.readouterr().out
    assert len(nights.there()) == len(before) / 3
    page = Path(nights.config.root, "index.html").read_text(encoding="utf-8")
    assert page.count("<tr class") == 3 and page.count("report.html") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--gc", "0"), "at least 1. Received: 0"),
        (("--gc", "1", "--name", "dishes"), "no runs of 'dishes'"),
        (("--dry-run",), "--dry-run goes with --gc"),
        (("--gc", "1", "--root", "gs://bucket/runs"), "folders of this machine"),
    ],
)
def test_bad_usage(
    nights: Any, options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture
) -> None:
    assert _run(nights, *options) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_not_while_a_run_is_in_progress(nights: Any, capsys: pytest.CaptureFixture) -> None:
    before = nights.there()
    with locking.held(nights.config.folder):
        assert _run(nights, "--gc", "1") == 2
    assert "is in use by process" in " ".join(capsys.readouterr().err.split())
    assert nights.there() == before
