"""The house stands as drawn: which way imports go, and how big rooms may be."""

import ast
from pathlib import Path

import pytest

from tests.module_graph import LAYERS, ROOT, check_no_cycle, module_graph
from trainer_modules.engine import syntax
from trainer_modules.engine.task import serialisation

SOURCES = sorted(p for layer in LAYERS for p in (ROOT / layer).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    own = LAYERS[path.relative_to(ROOT).parts[0]]
    for name in _imports(path):
        layer = LAYERS.get(name.split(".")[0])
        assert layer is None or layer <= own, f"{path} imports {name}, which lies above it"


@pytest.mark.parametrize(
    "path",
    [p for p in SOURCES if p.parent.name == "trainer_modules"],
    ids=lambda p: p.name,
)
def test_task_files_import_no_tensorflow(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert not any(n.split(".")[0] in ("tensorflow", "tf_keras", "tfx") for n in names)


def test_no_module_imports_itself_by_a_detour() -> None:
    check_no_cycle(module_graph(ROOT))


@pytest.mark.parametrize(
    "back",
    [
        "from components import first",
        "import components.first",
        "from components.first import FIRST",
        "from .first import FIRST",
        "from . import first",
        "def later():\n    from components.first import FIRST",
        "if TYPE_CHECKING:\n    from components.first import First",
    ],
)
def test_a_cycle_is_seen_wherever_its_import_stands(tmp_path: Path, back: str) -> None:
    room = tmp_path / "components"
    room.mkdir()
    (room / "__init__.py").write_text("")
    (room / "first.py").write_text("from components.second import SECOND")
    (room / "second.py").write_text("from components import third")
    (room / "third.py").write_text("import os")
    check_no_cycle(module_graph(tmp_path))
    (room / "third.py").write_text(back)
    circle = r"components\.first → components\.second → components\.third → components\.first"
    with pytest.raises(AssertionError, match=circle):
        check_no_cycle(module_graph(tmp_path))


TASK_FILES = sorted(
    p for p in (ROOT / "trainer_modules").glob("*.py") if p.stem not in ("__init__", "api")
)


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda p: p.name)
def test_task_files_import_the_facade_alone(path: Path) -> None:
    """The built-in tasks are what people copy: they need what `api` has, and nothing else."""
    own = {name for name in _imports(path) if name.partition(".")[0] in LAYERS}
    assert own == {"trainer_modules.api"}


def test_the_facade_has_every_class_that_a_task_can_hold() -> None:
    from trainer_modules import api

    # A recipe is taken from a task; no task file writes one.
    classes = {n: cls for n, cls in serialisation.types_by_name().items() if n != "Recipe"}
    missing = {name for name, cls in classes.items() if getattr(api, name, None) is not cls}
    assert not missing, f"trainer_modules/api.py must export {sorted(missing)}"
    tree = syntax.parsed(Path(api.__file__).read_text(encoding="utf-8"))
    imported = {a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert sorted(imported) == sorted(api.__all__)
    assert syntax.only_reexports(tree), "code in the facade would be in every step's cache key"


_TEST_TOOLS = {
    "_pytest",
    "conftest",
    "doctest",
    "hypothesis",
    "mock",
    "pytest",
    "tests",
    "unittest",
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_production_code_imports_no_test_tools(path: Path) -> None:
    """A name replaced in a library by `mock.patch` has a hook, or is called directly instead."""
    assert not {name for name in _imports(path) if name.split(".")[0] in _TEST_TOOLS}


def test_one_writer_of_saved_models() -> None:
    writers = [
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if "saved_model.save(" in p.read_text(encoding="utf-8")
    ]
    assert writers == ["trainer_modules/engine/saved_model/write.py"]


def test_one_loader_of_saved_models() -> None:
    loaders = [
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if "saved_model.load(" in p.read_text(encoding="utf-8")
    ]
    # The serving check proves that a model runs without this project, so it loads it without.
    assert loaders == [
        "components/serving_check/process.py",
        "trainer_modules/engine/saved_model/loading.py",
    ]


def test_one_place_knows_what_files_a_saved_model_has() -> None:
    """Who names the files looks for them by rules of its own: `saved_model/` has them for all."""
    names = ("saved_model.pb", "classes.txt", "class_ids.txt", "variables.index")
    naming = {
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.split("/")[-1] in names
    }
    assert {p for p in naming if not p.startswith("trainer_modules/engine/saved_model/")} == set()


def test_platforms_find_the_artifacts_by_their_names() -> None:
    """`components.Name` is what a container is told; `components` has to know where it is."""
    import components

    defined = {
        (node.value.value, path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign)
        and getattr(node.targets[0], "id", "") == "TYPE_NAME"
        and isinstance(node.value, ast.Constant)
    }
    assert defined == {(f"components.{n}", m) for n, m in components._ARTIFACTS.items()}


def test_one_dag() -> None:
    builders = [
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if any(
            isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Pipeline"
            for n in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        )
    ]
    assert builders == ["pipelines/image_pipeline.py"]


@pytest.mark.parametrize(
    "path",
    sorted(ROOT.glob("[!.]*/**/*.py")),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_files_stay_small(path: Path) -> None:
    # Tests of one module stay together, with what they need.
    most = 300 if path.relative_to(ROOT).parts[0] in LAYERS else 400
    assert len(path.read_text(encoding="utf-8").splitlines()) <= most
    assert path.stem not in ("utils", "common", "helpers", "misc")


_RUNS_WHAT_IT_READS = {
    "cloudpickle": {"load", "loads"},
    "dill": {"load", "loads"},
    "joblib": {"load"},
    "models": {"load_model", "model_from_config", "model_from_json"},
    "pickle": {"load", "loads"},
    "shelve": {"open"},
    "torch": {"load"},
    "yaml": {"full_load", "load", "unsafe_load"},
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_comes_from_outside_is_never_run(path: Path) -> None:
    """Models and pickles may name any code; weights are read by name: `networks/weights.py`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func).split(".")
        module = called[-2] if len(called) > 1 else ""
        assert called[-1] not in _RUNS_WHAT_IT_READS.get(module, ()), ast.unparse(node)
        assert called not in (["eval"], ["exec"], ["load_model"]), ast.unparse(node)
        for keyword in node.keywords:
            told = ast.unparse(keyword.value)
            assert (keyword.arg, told) not in (("allow_pickle", "True"), ("safe_mode", "False"))


def test_only_the_inputs_know_which_input_it_is() -> None:
    """`Images` and `Columns` differ in `engine/inputs/`; elsewhere an input is an `Input`.

    Whoever asks has to name a kind, or test the type of the input or its absence.
    """
    kinds = {"Images", "Columns"}
    inputs = ROOT / "trainer_modules" / "engine" / "inputs"
    asked = []
    for path in SOURCES:
        # Task files name the input that they describe, and `task.py` the union of them.
        describes = path.parent.name == "trainer_modules"
        if path.is_relative_to(inputs) or describes or path.name == "task.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = getattr(node, "id", None) or getattr(node, "attr", None)
            text = node.value if isinstance(node, ast.Constant) else None
            imported = {a.name for a in node.names} if isinstance(node, ast.ImportFrom) else set()
            if named in kinds or text in kinds or imported & kinds or _asks_for_input(node):
                asked.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    # The table of former names says what the columns of a task without images have become.
    allowed = {"trainer_modules/engine/task/aliases.py"}
    assert [place for place in asked if place.partition(":")[0] not in allowed] == []


def _asks_for_input(node: ast.AST) -> bool:
    """Says whether `task.input` is compared, or tested for its type or truth."""

    def is_input(part: ast.AST) -> bool:
        return isinstance(part, ast.Attribute) and part.attr == "input"

    if isinstance(node, ast.Compare):
        return any(map(is_input, (node.left, *node.comparators)))
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "type"):
        return any(map(is_input, node.args))
    if isinstance(node, ast.If | ast.IfExp | ast.Assert):
        return is_input(node.test)
    if isinstance(node, ast.UnaryOp | ast.BoolOp):
        return any(map(is_input, getattr(node, "values", None) or [getattr(node, "operand", node)]))
    return False


@pytest.mark.parametrize(
    "code",
    [
        "task.input is None",
        "isinstance(task.input, X)",
        "a if task.input else b",
        "not task.input",
        "task.input and x",
        "assert task.input",
    ],
)
def test_that_check_sees_every_way_to_ask(code: str) -> None:
    assert any(map(_asks_for_input, ast.walk(ast.parse(code))))
    assert not any(map(_asks_for_input, ast.walk(ast.parse("f(task.input.values) > 3"))))


PROBLEMS = ROOT / "trainer_modules" / "engine" / "problems"
# Task files say what they learn, and `api` hands the kinds on to them.
ASKS_NO_KIND = [
    p for p in SOURCES if PROBLEMS not in p.parents and p.parent != ROOT / "trainer_modules"
]


def _kinds() -> set[str]:
    """Returns the names of the classes in the problems' folder that extend the contract."""
    extends = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for path in PROBLEMS.glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    kinds = {"Problem"}
    while more := {name for name, bases in extends.items() if bases & kinds} - kinds:
        kinds |= more
    return kinds - {"Problem"}


def _asks(tree: ast.AST) -> list[str]:
    """Returns the places where code asks a problem which kind it is, as text.

    That is: naming a kind as a class or as a text, and looking at a problem's class or at what it
    may or may not have.
    """
    kinds = _kinds()
    # `imagenet` is the name of weights, too.
    texts = kinds | {name.lower() for name in kinds - {"ImageNet"}}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found += [f"import {alias.name}" for alias in node.names if alias.name in kinds]
        elif isinstance(node, ast.Attribute) and node.attr in kinds:
            found.append(ast.unparse(node))
        elif isinstance(node, ast.Compare):
            compared = [n for n in ast.walk(node) if isinstance(n, ast.Constant)]
            found += [ast.unparse(node) for n in compared if n.value in texts]
        elif isinstance(node, ast.Call) and node.args:
            called, subject = ast.unparse(node.func), ast.unparse(node.args[0])
            looks = called in ("getattr", "hasattr", "isinstance", "issubclass", "type", "vars")
            if looks and subject.split(".")[-1] == "problem":
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", ASKS_NO_KIND, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_outside_the_problems_asks_which_kind_one_is(path: Path) -> None:
    assert _asks(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "from trainer_modules.engine.problems import Segmentation",
        "isinstance(task.problem, problems.Regression)",
        "if isinstance(problem, x): pass",
        "type(task.problem) is kind",
        "getattr(problem, 'colours', ())",
        "hasattr(task.problem, 'classes')",
        "if material.kind == 'segmentation': pass",
        "if plain['type'] in ('Regression', 'Binary'): pass",
    ],
)
def test_a_question_for_the_kind_is_seen(code: str) -> None:
    assert _asks(ast.parse(code))


def test_the_kinds_are_listed_once() -> None:
    from trainer_modules.engine import problems

    assert {kind.__name__ for kind in problems.KINDS} == _kinds()
