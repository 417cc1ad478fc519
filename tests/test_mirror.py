"""Every source file of some length has its own tests, where one looks for them."""

from pathlib import Path

import pytest

from tests.module_graph import LAYERS, ROOT

_LINES = 60
# Files without tests of their own, to be emptied again; none today.
_WITHOUT: set[str] = set()


def _sources() -> list[str]:
    paths = [p for layer in LAYERS for p in sorted((ROOT / layer).rglob("*.py"))]
    return [
        p.relative_to(ROOT).as_posix()
        for p in paths
        if p.name != "__init__.py"
        and len(p.read_text(encoding="utf-8").splitlines()) > _LINES
        # A built-in task is data; test_tasks.py and test_recipes.py hold all of them to account.
        and p.parent != ROOT / "trainer_modules"
    ]


def _mirrored(source: str) -> Path:
    path = Path(source)
    return ROOT / "tests" / path.parent / f"test_{path.name}"


@pytest.mark.parametrize("source", _sources())
def test_a_file_has_its_tests_where_one_looks_for_them(source: str) -> None:
    if _mirrored(source).exists():
        assert source not in _WITHOUT, f"{source} has its tests now: take it off the list"
    else:
        assert source in _WITHOUT, f"{source} needs {_mirrored(source).relative_to(ROOT)}"


def test_the_list_names_files_that_are_there() -> None:
    assert set(_sources()) >= _WITHOUT, "gone, or short by now: take them off the list"
