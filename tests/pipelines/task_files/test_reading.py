"""A task file from anywhere: read without a trace, mistakes named with their place."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import tasks
from pipelines.task_files import reading, spelling
from trainer_modules.engine import import_closure
from trainer_modules.engine.errors import BadInputError


def _read(path: Path) -> reading.TaskFile:
    return reading.load(spelling.parse(str(path)))


def test_a_file_its_variants_and_its_settings_are_read_as_those_of_the_repository(
    task_file,
) -> None:
    path = task_file()
    assert tasks.load(str(path)).phases[0].epochs == 3
    assert tasks.load(f"{path}:b", ("input.height=16",)).name == "mine-b"
    assert tasks.load(f"{path}:b", ("input.height=16",)).input.height == 16
    with pytest.raises(BadInputError, match="did you mean 'height'"):
        tasks.load(str(path), ("image.heigth=16",))
    with pytest.raises(BadInputError, match="variant of 'mine' must be one of b"):
        tasks.load(f"{path}:c")
    rows = dict(tasks.descriptions(str(path)))
    assert rows[str(path)] == "Three digits." and f"{path}:b" in rows and "digits" in rows


MISTAKES = [
    ("syntax", "TASK = Task(", "TASK = Task((", "line 8.*never closed"),
    ("no TASK", "TASK = Task(", "task = Task(", "TASK"),
    ("another type", "VARIANTS = {", "TASK = [TASK]\n_ = lambda: {", "TASK must be a Task.*list"),
    ("another name", 'name="mine"', 'name="yours"', "must be 'mine'.*Received: 'yours'"),
    ("an unknown field", "epochs=3", "epoch=3", "line 14: Phase has no field 'epoch'.*'epochs'"),
    ("no value", "epochs=3", "", "line 14: Phase missing 1 required keyword-only argument"),
    ("a name alone", '("one", "two")', '("one")', "tuple of str. Received: 'one'.*the comma"),
    ("a wrong value", "epochs=3", "epochs=0", "epochs must be at least 1"),
    ("a wrong type", "epochs=3", "epochs='3'", "line 14.*number"),
    ("no module", "from dataclasses", "from dataclassez", "line 3: No module named 'dataclassez'"),
    ("it ends Python", "VARIANTS", "raise SystemExit(4)\nVARIANTS", "line 17: 4"),
    (
        "run_fn is no function",
        "VARIANTS",
        "run_fn = 3\nVARIANTS",
        "line 17: run_fn must be a function",
    ),
]


@pytest.mark.parametrize(("what", "old", "new", "said"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake_is_one_sentence_with_its_line(task_file, whole, what, old, new, said) -> None:
    assert whole.count(old) >= 1
    path = task_file(whole.replace(old, new, 1))
    with pytest.raises(BadInputError, match=said) as refused:
        tasks.load(str(path))
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)
    assert dict(tasks.descriptions(str(path)))[str(path)].startswith("broken: ")


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [("", "utf-8-sig"), ("# -*- coding: latin-1 -*-\n", "latin-1")],
    ids=["byte order mark", "declared encoding"],
)
def test_a_file_in_another_encoding_is_a_file(task_file, whole, mark, encoding) -> None:
    path = task_file()
    path.write_bytes((mark + whole.replace('"two"', '"zwö"')).encode(encoding))
    assert tasks.load(str(path)).problem.names == ("one", "zwö")
    path.write_bytes((mark + whole.replace("epochs=3", "epochs='ö'")).encode(encoding))
    with pytest.raises(BadInputError, match=r"line 1[45].*number"):
        tasks.load(str(path))


def test_a_long_line_is_not_quoted_whole(task_file, whole) -> None:
    path = task_file(whole + "X = [" + "1, " * 500 + "\n")
    with pytest.raises(BadInputError) as refused:
        tasks.load(str(path))
    assert len(str(refused.value)) < len(str(path)) + 200


def test_nothing_else_is_forgotten(task_file, monkeypatch) -> None:
    path = task_file()
    # Python's own modules are from "built-in", which is no file of the working directory.
    monkeypatch.chdir(path.parent)
    before = dict(sys.modules)
    tasks.load("mine.py")
    assert before.items() <= sys.modules.items()


def test_a_link_has_the_neighbours_of_its_own_folder(task_file, whole, monkeypatch) -> None:
    text = whole.replace("from dataclasses", "from numbers_of import EPOCHS\nfrom dataclasses")
    text = text.replace("epochs=3", "epochs=EPOCHS")
    real = task_file(text, folder="a", numbers_of="EPOCHS = 6")
    link = real.parent.parent / "mine.py"
    link.symlink_to(real)
    (link.parent / "numbers_of.py").symlink_to(
        task_file(folder="c", other="EPOCHS = 8").parent / "other.py"
    )
    assert tasks.load(str(real)).phases[0].epochs == 6
    assert tasks.load(str(link)).phases[0].epochs == 8
    # A folder that is on the path anyhow stays there.
    monkeypatch.syspath_prepend(str(real.parent))
    path = list(sys.path)
    assert tasks.load(str(real)).phases[0].epochs == 6 and sys.path == path


def test_a_mistake_beside_the_file_is_named_with_its_own_place(task_file, whole) -> None:
    text = whole.replace("from dataclasses", "import notes\nfrom dataclasses")
    path = task_file(text, notes="X = 1\nY = (\n")
    with pytest.raises(BadInputError, match=r"notes\.py, line 2: '\(' was never closed"):
        tasks.load(str(path))
    path = task_file(text, notes="X = 1\nY = 1 / 0\n")
    with pytest.raises(BadInputError, match=r"mine\.py, line 3: division by zero"):
        tasks.load(str(path))


def test_files_of_one_name_and_their_neighbours_stay_apart(task_file, whole) -> None:
    text = whole.replace("from dataclasses", "from numbers_of import EPOCHS\nfrom dataclasses")
    text = text.replace("epochs=3", "epochs=EPOCHS")
    first = task_file(text, folder="a", numbers_of="EPOCHS = 6")
    second = task_file(text, folder="b", numbers_of="EPOCHS = 7")
    before, path = set(sys.modules), list(sys.path)
    for _ in range(2):
        assert tasks.load(str(first)).phases[0].epochs == 6
        assert tasks.load(str(second)).phases[0].epochs == 7
    assert "numbers_of" not in sys.modules and sys.path == path
    assert not [name for name in set(sys.modules) - before if "mine" in name]
    # An edit within the same second and of the same length is seen, and nothing is left behind.
    task_file(text, folder="a", numbers_of="EPOCHS = 9")
    assert tasks.load(str(first)).phases[0].epochs == 9
    assert sorted(p.name for p in first.parent.iterdir()) == ["mine.py", "numbers_of.py"]


def test_own_functions_are_told_from_the_usual_ones(task_file, whole) -> None:
    usual = (
        "from trainer_modules.api import entry_points\n"
        "preprocessing_fn, run_fn = entry_points(TASK)"
    )
    assert _read(task_file()).own == ()
    assert _read(task_file(f"{whole}\n{usual}\n")).own == ()
    own = f"{whole}\n{usual}\n_train = run_fn\n\ndef run_fn(fn_args):\n    _train(fn_args)\n"
    assert _read(task_file(own)).own == ("run_fn",)


def test_the_program_ends_with_2_and_lists_the_file(task_file, whole) -> None:
    program = [sys.executable, str(import_closure.ROOT / "pipelines/run_local.py")]
    good, broken = task_file(), task_file("TASK = Task(\n", folder="b")

    def run(*options: str) -> subprocess.CompletedProcess:
        done = [*program, *options]
        return subprocess.run(done, cwd=good.parent, capture_output=True, text=True)

    failed = run("--task", "../b/mine.py")
    assert failed.returncode == 2 and "Traceback" not in failed.stderr
    assert f"{broken}, line 1: '(' was never closed" in " ".join(failed.stderr.split())
    listed = run("--list", "--task", "mine.py")
    assert (
        listed.returncode == 0 and "mine.py:b" in listed.stdout and "Three digits" in listed.stdout
    )
    assert run("--task", "mine.py:c").returncode == 2
    assert "FILE.py" in run("--help").stdout
