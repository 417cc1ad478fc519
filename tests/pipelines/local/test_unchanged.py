"""What tells that a run would repeat the last one, and everything that makes it doubt that."""

import ast
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.config import RunConfig
from pipelines.local import archive, unchanged
from pipelines.local.listing import Watched
from pipelines.local.summary import Summary
from pipelines.local.unchanged import Stamp
from tests.pipelines.local.last_night import TASK, Last, written

ROOT = Path(__file__).parents[3]


def test_the_same_is_told_and_the_summary_is_that_of_a_repetition(last: Last) -> None:
    assert last.again() == unchanged.Repetition()
    last.night()
    again = last.again()
    assert again.changed == () and again.last is not None
    assert (again.last.status, again.last.repeats) == ("nothing_new", "20261120-020000-000")
    assert again.last.metrics == {"accuracy": 0.9} and again.last.report == str(last.report)
    assert (again.last.ran, again.last.cached) == ([], ["Trainer"])
    assert (again.last.seconds, again.last.log) == ({}, "")


@pytest.mark.parametrize("status", ["nothing_new", "not_blessed", "held"])
def test_a_verdict_stays_what_it_was(last: Last, status: str) -> None:
    last.night(status)
    again = last.again()
    assert again.last is not None and again.last.status == status


def test_a_failed_night_leaves_no_stamp(last: Last) -> None:
    last.night()
    last.night("failed")
    assert last.again() == unchanged.Repetition()


def _mtime_restored(path: Path) -> None:
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_text("y")
    os.utime(path, ns=times)


_CHANGES: dict[str, tuple[str, Callable[[Last], object]]] = {
    "an image more": ("data", lambda n: written(n.data / "cat" / "3.jpg")),
    "an image less": ("data", lambda n: (n.data / "cat" / "1.jpg").unlink()),
    "another image": ("data", lambda n: written(n.data / "cat" / "1.jpg", "another")),
    "an image touched": ("data", lambda n: os.utime(n.data / "cat" / "1.jpg")),
    "another of equal size and time": ("data", lambda n: _mtime_restored(n.data / "cat" / "1.jpg")),
    "an image of another class": (
        "data",
        lambda n: (n.data / "cat" / "1.jpg").rename(n.data / "dog" / "9.jpg"),
    ),
    "a new class": ("data", lambda n: written(n.data / "owl" / "1.jpg")),
    "a new span": ("data", lambda n: written(n.data.parent / "span-2" / "cat" / "1.jpg")),
    "the data gone": ("data", lambda n: n.data.rename(n.data.with_name("away"))),
    "the task's file": (
        "task file",
        lambda n: written(n.folder / "own/two_kinds.py", TASK.format(weights="none")),
    ),
    "a comment in it": (
        "task file",
        lambda n: written(
            n.folder / "own/two_kinds.py", TASK.format(weights=str(n.weights)) + "# comment\n"
        ),
    ),
    "what it imports": (
        "task file",
        lambda n: written(n.folder / "own/beside.py", "EPOCHS = 2\n"),
    ),
    "a schema": ("task file", lambda n: written(n.folder / "own/two_kinds.pbtxt")),
    "the weights": ("weights", lambda n: written(n.weights, "others")),
    "the weights gone": ("weights", lambda n: n.weights.unlink()),
    "the engine": ("code", lambda n: written(n.code / "trainer_modules/engine/new.py")),
    "a component": ("code", lambda n: written(n.code / "components/__init__.py", "y")),
    "a reviewed schema": ("code", lambda n: written(n.code / "schemas/digits.pbtxt", "y")),
    "the lock": ("code", lambda n: written(n.code / "uv.lock", "y")),
    "a version gone": ("served versions", lambda n: n.version.rename(n.folder / "away")),
    "a version withdrawn": (
        "served versions",
        lambda n: (
            (n.version.parent / "withdrawn").mkdir(),
            n.version.rename(n.version.parent / "withdrawn" / "1"),
        ),
    ),
    "an incomplete version": (
        "served versions",
        lambda n: (n.version / "saved_model.pb").unlink(),
    ),
    "somebody's version": (
        "served versions",
        lambda n: written(n.version.with_name("2") / "saved_model.pb"),
    ),
    "an approval": (
        "served versions",
        lambda n: (n.version.parent / "releases.jsonl").open("a").write("{}\n"),
    ),
    "an artifact gone": ("results", lambda n: n.artifact.rename(n.folder / "away")),
    "a part of one gone": ("results", lambda n: (n.artifact / "saved_model.pb").unlink()),
    "the report gone": ("results", lambda n: n.report.unlink()),
    "the lineage": ("lineage", lambda n: n.lineage.open("a").write("more")),
    "the lineage gone": ("lineage", lambda n: n.lineage.unlink()),
}


@pytest.mark.parametrize("change", _CHANGES)
def test_a_change_is_a_whole_run(last: Last, change: str) -> None:
    last.night()
    what, made = _CHANGES[change]
    made(last)
    again = last.again()
    assert again.last is None and what in again.changed, again


_UNSURE: dict[str, Callable[[Last], object]] = {
    "a killed run": lambda n: Stamp(n.config).forget(),
    "an interrupted transaction": lambda n: written(Path(f"{n.lineage}-journal")),
    "no archived run": lambda n: (n.run_folder / "runs").rename(n.folder / "away"),
    "half a stamp": lambda n: written(n.run_folder / unchanged.STAMP, '{"format": 1'),
    "a stamp of a later format": lambda n: written(
        n.run_folder / unchanged.STAMP,
        (n.run_folder / unchanged.STAMP).read_text().replace('"format": 1', '"format": 2'),
    ),
    "a foreign file": lambda n: written(n.run_folder / unchanged.STAMP, "[]"),
    "code that cannot be read": lambda n: (n.code / "components/x.py").symlink_to("nowhere"),
}


@pytest.mark.parametrize("doubt", _UNSURE)
def test_a_doubt_is_a_whole_run(last: Last, doubt: str) -> None:
    last.night()
    _UNSURE[doubt](last)
    assert last.again() == unchanged.Repetition()


_OTHER = {
    **{"task": "digits", "name": "other", "data": "other", "root": "/nowhere/at/all"},
    **{"settings": ("phases.0.epochs=2",), "weights": "none", "max_rejected": 0.5},
    **{"metadata": "mysql://host/db", "beam": ("--direct_num_workers=2",), "tune": 3},
    **{"fresh": True, "quiet": True, "notify": "mail"},
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(RunConfig)])
def test_every_option_counts_but_those_on_how_a_run_is_told(last: Last, field: str) -> None:
    value = _OTHER.get(field, 3 if field not in _OTHER else None)
    config = dataclasses.replace(last.config)
    # Options of other parts check their values; how they are spelled counts, not what they mean.
    object.__setattr__(config, field, value)
    facts = [list(unchanged._settings(c)) for c in (last.config, config)]
    assert (facts[0] == facts[1]) == (field in unchanged._HOW)


def test_a_relative_path_is_that_of_the_folder_in_which_the_command_is_typed(
    last: Last, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(last.config, data="photos/span-{SPAN}", settings=("a.b=x/y.h5",))
    seen = []
    for folder in (last.folder, last.data):
        monkeypatch.chdir(folder)
        seen.append(list(unchanged._settings(config)))
        digits = dataclasses.replace(last.config, task="digits", data=None)
        seen.append(list(unchanged._settings(digits)))
    # Cron does not begin in the folder in which a person tried the line.
    assert seen[0] != seen[2] and seen[1] == seen[3]


def test_the_environment_counts_where_somebody_reads_it(
    last: Last, monkeypatch: pytest.MonkeyPatch
) -> None:
    last.night()
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("TERM", "dumb")
    assert last.again().last is not None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert last.again().changed == ("environment",)


# Read, but not by a step of a local run: how TensorFlow asks for a project, see `startup`.
_NO_MATTER = {"NO_GCE_CHECK"}


def test_every_variable_that_the_code_names_is_looked_at() -> None:
    for package in ("pipelines", "components", "trainer_modules"):
        for path in (ROOT / package).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "environ" in text and "cloud" not in path.parts:
                for name in _variables(ast.parse(text)):
                    assert name.startswith(unchanged.VARIABLES) or name in _NO_MATTER, (path, name)


def _variables(tree: ast.AST) -> set[str]:
    """Returns the names that stand beside `os.environ`, and those of constants like them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Call) and "environ" in ast.unparse(node):
            for part in ast.walk(node):
                text = part.value if isinstance(part, ast.Constant) else ""
                if isinstance(text, str) and text.isupper() and "_" in text:
                    names.add(text)
    return names


def test_a_package_that_was_installed_counts(
    last: Last, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    (tmp_path / "site-packages" / "some-1.0.dist-info").mkdir(parents=True)
    last.night()
    (tmp_path / "site-packages" / "some-1.0.dist-info").rename(
        tmp_path / "site-packages" / "some-1.1.dist-info"
    )
    assert last.again().changed == ("packages",)


def test_what_changes_nothing_is_no_change(last: Last, monkeypatch: pytest.MonkeyPatch) -> None:
    last.night()
    # A fresh checkout, a backup by hard links, bytecode, a clock that was put back.
    os.utime(last.code / "components" / "__init__.py")
    os.link(last.artifact / "saved_model.pb", last.folder / "backup")
    written(last.code / "components" / "__pycache__" / "x.pyc")
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert last.again().last is not None


def test_what_changes_during_a_run_is_new_to_the_next(last: Last) -> None:
    last.night(during=lambda: written(last.data / "cat" / "3.jpg"))
    assert last.again().changed == ("data",)
    last.night(during=lambda: written(last.code / "components" / "new.py"))
    assert last.again().changed == ("code",)


def test_data_that_has_only_just_changed_may_change_again_unseen(
    last: Last, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unchanged, "_SETTLED", 5.0)
    last.night()
    assert last.again() == unchanged.Repetition()
    # What runs write themselves, as a whole, does not.
    last.data = written(Path(last.config.root) / "data" / "digits-1" / "x").parent
    last.night()
    assert last.again().last is not None


@pytest.mark.parametrize("far", ["data", "root", "metadata"])
def test_what_is_on_another_machine_is_not_looked_at(last: Last, far: str) -> None:
    if far == "data":
        stamp = Stamp(last.config)
        stamp.repetition(last.task())
        stamp.reads(None)
        stamp.leave(Summary(task="x", run_id="x", status="pushed"), [])
    else:
        last.config = dataclasses.replace(
            last.config, **{far: "mysql://host/db" if far == "metadata" else "gs://bucket/runs"}
        )
        stamp = Stamp(last.config)
        stamp.repetition(last.task())
        stamp.reads(Watched())
        stamp.leave(Summary(task="x", run_id="x", status="pushed"), [])
    assert not (last.run_folder / unchanged.STAMP).exists()


def _process(last: Last, *options: str) -> subprocess.CompletedProcess:
    """The real program; fails if it imports TensorFlow, TFX or Beam."""
    text = (
        "import sys; from pathlib import Path; from trainer_modules.engine import import_closure\n"
        f"import_closure.ROOT = Path({str(last.code)!r})\n"
        "from pipelines import run_local\n"
        "code = run_local.main(sys.argv[1:])\n"
        "assert not {'tensorflow', 'tfx', 'apache_beam', 'scipy'} & set(sys.modules)\n"
        "sys.exit(code)"
    )
    config = last.config
    return subprocess.run(
        [
            *(sys.executable, "-c", text, "--task", config.task, "--data", config.data),
            *("--root", config.root, *options),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_a_repeated_night_is_one_line_without_tensorflow(last: Last) -> None:
    last.night()
    begin = os.times()
    done = _process(last)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    assert line.startswith("nothing new: data, code and settings are those of run 20261120-020000")
    # Processor time: it does not depend on what else this machine does.
    used = os.times()
    assert used.children_user + used.children_system < (
        begin.children_user + begin.children_system + 2
    )
    summary = json.loads((last.run_folder / "summary.json").read_text())
    assert (summary["status"], summary["repeats"]) == ("nothing_new", "20261120-020000-000")
    assert summary["metrics"] == {"accuracy": 0.9} and set(summary["seconds"]) == {"total"}
    # History has the night, and it can be compared.
    kept = archive.find(str(last.run_folder), "latest")
    assert kept.name == summary["run_id"] > "20261120" and kept.summary == summary
    assert kept.task["name"] == "two_kinds"


def test_quiet_is_silent_and_still_leaves_its_summary(last: Last) -> None:
    last.night()
    done = _process(last, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    summary = json.loads((last.run_folder / "summary.json").read_text())
    assert summary["status"] == "nothing_new"


def test_a_refused_night_is_refused_again_and_told(last: Last) -> None:
    last.night("not_blessed")
    done = _process(last, "--quiet", "--notify", "cat")
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("not blessed, nothing pushed: data, code and settings are those")
    assert '"status": "not_blessed"' in done.stdout
