"""What `make` and `./run` hand on, keep and remove: the real Makefile over a stand-in Python."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ODD = ["my photos", "it's here", 'say "cheese"', "$HOME and $(date)", "a;b&c", "50%*?", "`id`"]


@pytest.fixture
def tree(tmp_path) -> Path:
    """A folder with blanks in its name, set up, whose Python writes down what it is given."""
    root = tmp_path / "a house"
    (root / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "run"):
        shutil.copy(ROOT / name, root / name)
    for name in ("uv.lock", "pyproject.toml", ".venv/.ready"):
        (root / name).touch()
    python = root / ".venv/bin/python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$SEEN"\nexit "${CODE:-0}"\n')
    python.chmod(0o755)
    return root


def _run(tree: Path, *command: str, code: int = 0, text: str = "") -> subprocess.CompletedProcess:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    env = {**kept, "SEEN": str(tree / "seen"), "CODE": str(code)}
    return subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True, input=text)


def _seen(tree: Path) -> list[str]:
    return (tree / "seen").read_text().splitlines()[1:]


@pytest.mark.parametrize("data", ODD)
def test_make_run_hands_data_over_as_written(tree: Path, data: str) -> None:
    done = _run(tree, "make", "run", "TASK=image_folder", f"DATA={data}", "ARGS=--set 'a=b c'")
    assert done.returncode == 0, done.stderr
    assert _seen(tree) == ["--task", "image_folder", "--data", data, "--set", "a=b c"]


def test_make_run_alone_is_the_default_task(tree: Path) -> None:
    assert _run(tree, "make", "run").returncode == 0
    assert _seen(tree) == ["--task", "digits"]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 130])
def test_run_keeps_every_exit_code_and_make_names_it(tree: Path, code: int) -> None:
    done = _run(tree, "./run", "--task", "digits", "--data", "my photos", code=code)
    assert done.returncode == code
    assert _seen(tree) == ["--task", "digits", "--data", "my photos"]
    made = _run(tree, "make", "run", code=code)
    # GNU make has one code for every failure; which it was stands in its last line.
    assert made.returncode == (2 if code else 0)
    assert not code or f"Error {code}" in made.stderr


def test_run_works_from_another_folder(tree: Path, tmp_path) -> None:
    env = {**os.environ, "SEEN": str(tree / "seen")}
    done = subprocess.run([tree / "run", "--list"], cwd=tmp_path, env=env, check=False)
    assert done.returncode == 0 and _seen(tree) == ["--list"]


def test_clean_keeps_what_serves_and_says_what_goes(tree: Path) -> None:
    for name in ("serving/flowers/1", "flowers/artifacts", ".hidden", "two words"):
        (tree / "runs" / name).mkdir(parents=True)
    (tree / ".ruff_cache").mkdir()
    done = _run(tree, "make", "clean")
    assert done.returncode == 0
    assert (tree / "runs/serving/flowers/1").is_dir() and (tree / ".venv").is_dir()
    assert [p.name for p in (tree / "runs").iterdir()] == ["serving"]
    said = done.stdout
    for name in ("remove  runs/flowers", "remove  runs/two words", "remove  .ruff_cache"):
        assert name in said
    assert "keep    runs/serving" in said


@pytest.mark.parametrize("answer", ["", "no\n", "y\n"])
def test_clean_all_asks(tree: Path, answer: str) -> None:
    (tree / "runs/serving/flowers/1").mkdir(parents=True)
    assert _run(tree, "make", "clean-all", text=answer).returncode != 0
    assert (tree / "runs/serving/flowers/1").is_dir()


def test_clean_all_removes_after_a_yes(tree: Path) -> None:
    (tree / "runs/serving/flowers/1").mkdir(parents=True)
    assert _run(tree, "make", "clean-all", text="yes\n").returncode == 0
    assert not (tree / "runs").exists() and not (tree / ".venv").exists()
    assert (tree / "Makefile").exists()
