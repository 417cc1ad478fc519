"""docs/tasks.md is true: its files run, its output is the real one, its fields are the classes'."""

import dataclasses
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import early_checks, tasks
from tests import documented_task
from trainer_modules import api
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[1]
_START, _END = "<!-- fields:", "<!-- end of fields -->"


@pytest.mark.parametrize("mistake", documented_task.mistakes(), ids=lambda m: m.wrong)
def test_a_mistake_has_the_message_that_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: documented_task.Mistake
) -> None:
    monkeypatch.chdir(tmp_path)
    documented_task.write_files(tmp_path)
    path = tmp_path / "my_task.py"
    text = path.read_text()
    early_checks.check_settings(tasks.load("my_task.py"))
    assert text.count(mistake.right) == 1, f"{mistake.right} is not in the page's file"
    path.write_text(text.replace(mistake.right, mistake.wrong))
    with pytest.raises(BadInputError) as refused:
        early_checks.check_settings(tasks.load("my_task.py"))
    assert str(refused.value) == mistake.message


def test_there_are_five() -> None:
    assert len(documented_task.mistakes()) == 5


def test_every_field_is_on_the_page_with_its_default(update_golden: bool) -> None:
    """`--update-golden` writes the tables anew."""
    page = documented_task.text()
    head, rest = page.split(_START)
    shown, tail = rest.split(_END)
    marker, _, tables = shown.partition("\n")
    if update_golden:
        documented_task.PAGE.write_text(f"{head}{_START}{marker}\n{_tables()}{_END}{tail}")
        tables = _tables()
    assert tables == _tables(), "pytest tests/test_docs_tasks.py --update-golden writes it anew"


def _tables() -> str:
    """Returns a table for each class of the facade that has fields."""
    classes = [getattr(api, name) for name in api.__all__]
    shown = [c for c in classes if dataclasses.is_dataclass(c) and _fields(c)]
    # The whole before its parts.
    shown.sort(key=lambda c: (c is not api.Task, c.__name__))
    return "".join(f"\n### `{c.__name__}`\n\n{_summary(c)}\n\n{_table(c)}\n" for c in shown)


def _fields(cls: type) -> list[dataclasses.Field]:
    return [field for field in dataclasses.fields(cls) if field.init]


def _summary(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n\n")[0].replace("\n", " ")


def _table(cls: type) -> str:
    told: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        told |= _attributes(base.__doc__ or "")
    rows = []
    for field in _fields(cls):
        meaning = told.get(field.name, "").replace("|", "\\|")
        assert meaning, f"{cls.__name__}.{field.name} has no line under Attributes"
        rows.append(f"| `{field.name}` | {_default(field)} | {meaning} |")
    return "\n".join(["| field | default | meaning |", "|---|---|---|", *rows])


def _attributes(doc: str) -> dict[str, str]:
    """Returns the `Attributes:` of a docstring: name → text on one line."""
    section = re.search(r"Attributes:\n(.*?)(\n\s*\n|\Z)", inspect.cleandoc(doc), re.DOTALL)
    if not section:
        return {}
    entries = re.split(r"^  (\w+): ", section[1], flags=re.MULTILINE)[1:]
    return {
        name: " ".join(text.split()) for name, text in zip(entries[::2], entries[1::2], strict=True)
    }


def _default(field: dataclasses.Field) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f"`{type(field.default_factory()).__name__}()`"
    if field.default is dataclasses.MISSING:
        return "*required*"
    parts = field.default if isinstance(field.default, tuple) else ()
    if dataclasses.is_dataclass(field.default) or any(map(dataclasses.is_dataclass, parts)):
        return "`" + re.sub(r"(\w+)\(([^()]*)\)", _short, repr(field.default)) + "`"
    return f"`{field.default!r}`"


def _short(call: re.Match) -> str:
    """Returns `BetterThanChance()` for one whose values are all defaults."""
    cls = getattr(api, call[1])
    return f"{call[1]}()" if repr(cls()) == call[0] else call[0]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_ten_minutes(tmp_path: Path) -> None:
    """Every command of the page, in its order, in an empty folder outside the repository."""
    documented_task.write_files(tmp_path)
    (tmp_path / "tfx-vision").symlink_to(ROOT)
    started = {
        # The environment of this test instead of one that `run` sets up.
        "tfx-vision/.venv/bin/python": sys.executable,
        "tfx-vision/run": f"{sys.executable} tfx-vision/pipelines/run_local.py",
    }
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"COLUMNS": "200"}
    for command in documented_task.commands():
        line = command.line
        for written, real in started.items():
            line = line.replace(written, real)
        done = subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        _check_shown(command, done.stdout + done.stderr)
    assert not (ROOT / "runs/my_task").exists()
    assert (tmp_path / "rows.csv").read_text().count("\n") == 184
    # Another file of this name is refused before anything is read.
    other = tmp_path / "other"
    other.mkdir()
    (other / "my_task.py").write_text((tmp_path / "my_task.py").read_text() + "\n# mine\n")
    done = subprocess.run(
        [sys.executable, str(ROOT / "pipelines/run_local.py")]
        + ["--task", "other/my_task.py", "--data", "photos"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "another task file of the same name" in done.stderr


def _check_shown(command: documented_task.Command, output: str) -> None:
    """Checks that the page's lines occur in the output, in order; `…` stands for others."""
    real = iter([documented_task.stable(line) for line in output.splitlines()])
    for line in filter(None, map(documented_task.stable, command.output)):
        if line != "…":
            assert line in real, f"$ {command.line}\nshows no line like: {line}\nbut:\n{output}"
