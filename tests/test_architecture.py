"""The house stands as drawn: which way imports go, and how big rooms may be."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {"trainer_modules": 0, "schemas": 0, "components": 1, "pipelines": 2}
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


def test_one_writer_of_saved_models() -> None:
    writers = [
        p.relative_to(ROOT).as_posix()
        for p in SOURCES
        if "saved_model.save(" in p.read_text(encoding="utf-8")
    ]
    assert writers == ["trainer_modules/engine/serving.py"]


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
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
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
    """Models and pickles may name any code; weights are read by name (see `engine/weights.py`)."""
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
