"""What code uses and defines: small texts, where each rule can be seen alone."""

import ast
import inspect

import pytest

from trainer_modules.engine import syntax


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("x = a.b(c)[d]", {"a", "c", "d"}),
        ("def f(x: a, *y: b, z: c = d, **k: e) -> g: pass", {"d"}),
        ("@deco\ndef f(x: a, *y: b, z: c = d, **k: e) -> g: pass", set("abcdeg") | {"deco"}),
        ("async def f(x: a): return b", {"b"}),
        ("x: a = b", {"b"}),
        ("class C(a, metaclass=b):\n    x: c = d\n    y: e", {"a", "b", "d"}),
        ("def f():\n    '''a'''\n    return 'b'", set()),
        ("x = [a for y in b]", {"a", "b"}),
    ],
)
def test_names_that_are_read_count_and_annotations_do_not(text: str, used: set[str]) -> None:
    """A decorator may read the annotations of what it decorates."""
    assert syntax.used(ast.parse(text)) - {"x", "y", "z", "k"} == used


@pytest.mark.parametrize(
    "code",
    [
        "X = 'café'\n".encode("utf-8-sig"),
        "# -*- coding: latin-1 -*-\nX = 'café'\n".encode("latin-1"),
        "X = 'café'\r\n".encode(),
    ],
    ids=["byte order mark", "declared encoding", "CRLF"],
)
def test_bytes_are_read_as_python_reads_a_file(code: bytes) -> None:
    texts = {n.value for n in ast.walk(syntax.parsed(code)) if isinstance(n, ast.Constant)}
    assert texts == {"café"}


def test_docstrings_are_gone_and_other_texts_stay() -> None:
    tree = syntax.parsed(
        "'''Module.'''\nX = 'text'\ndef f():\n    '''Function.'''\n    return 'value'\n"
        "class C:\n    '''Class.'''\n    async def g(self):\n        '''Method.'''\n"
    )
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    assert texts == {"text", "value"}


@pytest.mark.parametrize(
    ("text", "exported"),
    [
        ("from a import x as x, y as z, w", {"x"}),
        ("import x as x", {"x"}),
        ("__all__ = ['x', 'y']", {"x", "y"}),
        ("__all__ = ('x',)\nall = ['z']", {"x"}),
    ],
)
def test_names_for_others_are_those_python_says(text: str, exported: set[str]) -> None:
    assert syntax.reexported(ast.parse(text)) == exported


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(x): y = 1", {"f"}),
        ("class C: x = 1", {"C"}),
        ("a, (b, *c) = d = 1, (2, 3)", {"a", "b", "c", "d"}),
        ("a: int = b", {"a"}),
        ("import a", set()),
        ("print(a)", set()),
    ],
)
def test_what_a_statement_defines_is_what_it_would_bind(text: str, names: set[str]) -> None:
    (statement,) = ast.parse(text).body
    assert syntax.defined(statement) == names


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("'''Facade.'''\nfrom a import x\nimport b\n__all__ = ['x', 'b']", True),
        ("from a import x", False),  # it says nothing about what it is for
        ("from a import x\n__all__ = ['x']\nprint(x)", False),
        ("from a import x\n__all__ = ['x']\ny = x", False),
        ("from a import x\n__all__ = ['x']\n__all__ = []", False),
    ],
)
def test_a_facade_imports_and_names_and_does_nothing_else(text: str, only: bool) -> None:
    assert syntax.only_reexports(syntax.parsed(text)) == only


def test_attributes_are_those_mentioned_anywhere() -> None:
    text = "def f(p: a.annotated) -> None:\n    p.one.two(p.three)\n    p.four = 'p.five'\n"
    found = syntax.attributes(ast.parse(text))
    assert found == {"annotated", "one", "two", "three", "four"}


def test_methods_are_taken_out_of_the_chosen_classes_alone() -> None:
    text = inspect.cleandoc(
        """
        class Kind(Base):
            limit = 3

            def __post_init__(self): first()

            @property
            def label(self): return second()

        class Other:
            def label(self): return third()

        def label(): return fourth()
        """
    )
    tree = ast.parse(text)
    before = ast.dump(tree)
    rest, methods = syntax.without_methods(tree, lambda node: node.name == "Kind")
    assert [method.name for method in methods] == ["label"]
    assert syntax.used(methods[0]) == {"property", "second"}
    # What Python calls by itself stays, whoever asks for it.
    assert {"first", "third", "fourth"} <= syntax.used(rest)
    assert "second" not in syntax.used(rest)
    assert ast.dump(tree) == before
