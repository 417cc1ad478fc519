"""What code reaches by import: made-up packages, where each rule can be seen alone."""

import ast
from pathlib import Path

import pytest

from trainer_modules.engine import import_closure

ROOT = import_closure.ROOT


def _names(start: str, root: Path) -> set[str]:
    found = import_closure.reached([f"components.{start}"], root)
    return {n.removeprefix("components/") for n in found} - {"__init__.py"}


@pytest.mark.parametrize(
    "statement",
    [
        "import components.b\nx = components.b.y",
        "import components.b as other\nx = other.y",
        "from components import b\nx = b.y",
        "from components.b import y\nx = y",
        "from . import b\nx = b.y",
        "from .b import y\nx = y",
        "def f():\n    from components.b import y\n    return y",
        "from components.b import y as y",
        "from components.b import y\n__all__ = ['y']",
        "from components.b import y\n@y\ndef f(): pass",
        "from components.b import y\n@print\ndef f(x: y): pass",
        "from components.b import y\nclass C(y): pass",
    ],
)
def test_each_form_of_import_is_followed(write, statement: str) -> None:
    root = write(a=statement, b="y = 1", c="z = 1")
    assert _names("a", root) == {"a.py", "b.py"}


def test_what_only_annotations_use_is_not_followed(write) -> None:
    root = write(
        a="from components.b import y\nclass C:\n    x: y\ndef f(x: y) -> y: pass", b="y=1"
    )
    assert _names("a", root) == {"a.py"}


def test_a_name_is_followed_to_where_it_comes_from(write) -> None:
    root = write(a="from components.b import y\nx = y", b="from components.c import y\n", c="y = 1")
    assert _names("a", root) == {"a.py", "b.py", "c.py"}


def test_packages_count_and_so_do_the_files_a_module_names(write) -> None:
    root = write(a="from components.p.q import y\nx = y", p__q="F = 'k.json', 'pages'\ny = 1")
    (root / "components/p/k.json").write_text("1")
    (root / "components/p/other.json").write_text("1")
    (root / "components/p/pages/deep").mkdir(parents=True)
    (root / "components/p/pages/deep/a.html").write_text("1")
    assert _names("a", root) == {
        *("a.py", "p/__init__.py", "p/q.py"),
        *("p/k.json", "p/pages/deep/a.html"),
    }


def test_a_start_inside_a_module_follows_only_what_it_uses(write) -> None:
    text = (
        "from components.b import one\nfrom components.c import two\nK = one\n"
        "def helper(): return K\ndef used(): return helper()\ndef other(): return two\n"
    )
    root = write(a=text, b="one = 1", c="two = 2")
    assert _names("a:used", root) == {"a.py", "b.py"}
    assert _names("a:other", root) == {"a.py", "c.py"}
    with pytest.raises(AttributeError, match="no 'third'"):
        _names("a:third", root)


def test_a_module_that_hands_a_function_on_is_passed_through(write) -> None:
    maker = (
        "def entry_points(task):\n"
        "    def first():\n        from components.b import y\n        return y\n"
        "    def second():\n        from components.c import z\n        return z\n"
        "    return first, second\n"
    )
    task = "from components.maker import entry_points\nTASK = 1\nfirst, second = entry_points(TASK)"
    root = write(task=task, maker=maker, b="y = 1", c="z = 1")
    assert _names("task:first", root) == {"maker.py", "b.py"}
    assert _names("task:second", root) == {"maker.py", "c.py"}
    own = "from components.c import z\nTASK = 1\ndef first(): return z"
    assert _names("task:first", write(task=own)) == {"task.py", "c.py"}


def test_a_module_that_only_hands_names_on_adds_nothing(write) -> None:
    facade = "from components.b import one\nfrom components.c import two\n__all__ = ['one', 'two']"
    task = "from components.api import {0}\ndef first(): return {0}"
    root = write(a=task.format("one"), api=facade, b="one = 1", c="two = 2")
    assert _names("a", root) == _names("a:first", root) == {"a.py", "b.py"}
    assert _names("a:first", write(a=task.format("two"))) == {"a.py", "c.py"}
    assert _names("api", root) == {"api.py", "b.py", "c.py"}
    # A facade of a facade, and one that has code of its own: that code may do anything.
    deeper = "from components.api import one\n__all__ = ['one']"
    assert _names("a", write(a="from components.deep import one\nx = one", deep=deeper)) == {
        *("a.py", "b.py")
    }
    with_code = write(a=task.format("one"), api=facade + "\nprint()")
    assert _names("a", with_code) == {"a.py", "api.py", "b.py", "c.py"}


def test_a_facade_may_hand_on_what_makes_the_functions(write) -> None:
    maker = (
        "def entry_points(task):\n    def first():\n        from components.b import y\n"
        "        return y\n    return first"
    )
    facade = "from components.maker import entry_points\n__all__ = ['entry_points']"
    task = "from components.api import entry_points\nfirst = entry_points(1)"
    root = write(task=task, api=facade, maker=maker, b="y = 1")
    assert _names("task:first", root) == {"maker.py", "b.py"}
    # The next edit of the facade is seen, although the task's own text is the same.
    (root / "components/other.py").write_text("def entry_points(task):\n    def first(): pass")
    edited = write(api=facade.replace("maker", "other"))
    assert _names("task:first", edited) == {"other.py"}


@pytest.mark.parametrize(
    ("asks", "reached"),
    [
        ("def f(problem): return problem.judge()", {"judging.py"}),
        # Another method of it may be what asks.
        ("def f(problem): return problem.verdict", {"judging.py"}),
        ("def f(problem): return problem.label()", set()),
        # Named in an annotation or a text, it is not called.
        ("def f(judge): return 'judge'", set()),
    ],
)
def test_what_a_problem_imports_counts_where_its_method_is_asked_for(
    tmp_path: Path, asks: str, reached: set[str]
) -> None:
    problems = tmp_path / "trainer_modules/engine/problems"
    problems.mkdir(parents=True)
    for name, text in {
        "__init__": "from trainer_modules.engine.problems.kind import Kind\nKINDS = (Kind,)",
        "contract": "class Problem: pass",
        "kind": (
            "from trainer_modules.engine.problems.contract import Problem\n"
            "class Kind(Problem):\n"
            "    def label(self): return 1\n"
            "    @property\n"
            "    def verdict(self): return self.judge()\n"
            "    def judge(self):\n"
            "        from trainer_modules.engine.problems import judging\n"
            "        return judging\n"
        ),
        "judging": "x = 1",
    }.items():
        (problems / f"{name}.py").write_text(text)
    step = "from trainer_modules.engine.problems import KINDS\nkinds = KINDS\n" + asks
    (tmp_path / "components").mkdir()
    (tmp_path / "components" / "step.py").write_text(step)
    found = {Path(name).name for name in import_closure.reached(["components.step"], tmp_path)}
    assert found == {"step.py", "__init__.py", "contract.py", "kind.py"} | reached


def test_no_module_is_reached_by_a_text_that_nobody_thought_of() -> None:
    """A dotted path in a text is an import that no rule above sees: each is accounted for here."""
    accounted = {
        # Into TFMA's configuration; ImageEvaluator starts from what that names.
        ("components/evaluator/configuration.py", "components.evaluator.metrics"),
        # Where the kinds of problem are, whose methods count where they are asked for.
        ("trainer_modules/engine/import_closure.py", "trainer_modules.engine.problems"),
        # A path put together: a task's module, where Transform and Trainer start.
        ("trainer_modules/engine/entry.py", "trainer_modules."),
        # A program that a container starts, and no step.
        ("components/vertex/registry.py", "pipelines.serve"),
    }
    found = set()
    for package in ("trainer_modules", "components"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(_tree(path)):
                if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                    continue
                text = node.value
                # Where artifacts are declared: types, not code that a step runs.
                if text.isascii() and "." in text and " " not in text and _is_module(text):
                    found.add((name, text))
    assert {f for f in found if f[0] != "components/__init__.py"} == accounted


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _is_module(text: str) -> bool:
    for dotted in (text, text.rpartition(".")[0]):
        path = ROOT.joinpath(*dotted.split("."))
        there = Path(f"{path}.py").is_file() or (path / "__init__.py").is_file()
        if "." in dotted and import_closure.is_own(dotted) and there:
            return True
    return False
