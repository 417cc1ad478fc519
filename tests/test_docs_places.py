"""Every file and folder of this repository that docs, docstrings or comments name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "Makefile", ROOT / "Dockerfile", *(ROOT / "docs").glob("*.md")]
    + [
        p
        for top in ("pipelines", "components", "trainer_modules")
        for p in (ROOT / top).rglob("*.py")
    ]
)
# `engine/…` stands for `trainer_modules/engine/…`; what is written in capitals is to be filled in.
_NAMED = re.compile(
    r"(?<![\w./\"'-])((?:pipelines|components|trainer_modules|engine|schemas|benchmarks|tests)"
    r"/(?!\S*my_)[a-z_0-9/]+(?:\.(?:py|md|pbtxt|json|txt))?)(?![\w/*{<…])"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_is_named_exists(page: Path) -> None:
    named = set(_NAMED.findall(page.read_text(encoding="utf-8")))
    places = {name: (ROOT / name, ROOT / "trainer_modules" / name) for name in named}
    missing = {
        name
        for name, choices in places.items()
        # `engine/problems` may also stand for a module.
        if not any(p.exists() or p.with_suffix(".py").exists() for p in choices)
    }
    assert not missing


_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def _anchors(page: Path) -> set[str]:
    """Returns what links may name after `#`, as GitHub derives it from headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", [p for p in PAGES if p.suffix == ".md"], ids=lambda p: p.name)
def test_a_link_leads_to_a_page_and_a_heading_that_are_there(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), link
        if anchor:
            assert anchor in _anchors(there), link


_IMPORT = re.compile(
    r"from ((?:pipelines|components|trainer_modules|tests)(?:\.[a-z_]+)*)"
    r" import ([A-Za-z_0-9]+(?:, [A-Za-z_0-9]+)*)"
)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_programs_in_texts_import_what_exists(path: Path) -> None:
    """Programs that tests hand to another process are texts: no linter sees their imports."""
    # These write modules of their own.
    if path.name in ("test_import_closure.py", "test_architecture.py"):
        return
    for package, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
        folder = ROOT / package.replace(".", "/")
        if not folder.is_dir():
            assert folder.with_suffix(".py").is_file(), f"there is no {package}"
            continue
        own = folder / "__init__.py"
        known = own.read_text(encoding="utf-8") if own.exists() else ""
        for name in names.split(", "):
            there = (folder / f"{name}.py").is_file() or (folder / name).is_dir()
            assert there or name in known, f"{package} has no {name}"
