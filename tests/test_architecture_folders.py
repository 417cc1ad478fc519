"""Folders stand one upon another: what each may import, and nothing else."""

from tests.module_graph import LAYERS, ROOT, check_no_cycle, module_graph

# What each folder may import, the lowest first. Everything may import what stands on no folder at
# all (`_GROUND`), and itself. A new arrow that points down is one more name in its row; one that
# points up is not: then what both need lies too high.
_ENGINE, _READERS = "trainer_modules/engine", "components/example_gen/readers"
_IMAGES, _PROBLEMS, _INPUTS, _TASK, _SAVED_MODEL, _NETWORKS, _TRAINING = (
    f"{_ENGINE}/{name}"
    for name in ("images", "problems", "inputs", "task", "saved_model", "networks", "training")
)
_GROUND = {
    *("custom_config", "errors", "fingerprint", "import_closure", "limits", "local_module"),
    *("raw_shards", "service_calls", "shard_store", "signatures", "syntax", "tensorflow_alone"),
}
_COMMANDS = {"predict", "run_kubeflow", "run_local", "serve"}
_MAY_IMPORT = {
    _IMAGES: set(),
    _INPUTS: {_IMAGES},
    _PROBLEMS: {_INPUTS},
    _TASK: {_INPUTS, _PROBLEMS},
    _SAVED_MODEL: {_IMAGES, _TASK},
    _NETWORKS: {_IMAGES, _INPUTS, _PROBLEMS, _SAVED_MODEL, _TASK},
    _TRAINING: {_INPUTS, _NETWORKS, _PROBLEMS, _SAVED_MODEL, _TASK},
    # What TFX and TFMA look for: `entry`, `carried`, `transform`.
    _ENGINE: {_INPUTS, _PROBLEMS, _TASK, _TRAINING},
    "trainer_modules": {_ENGINE, _PROBLEMS, _TASK},
    _READERS: {_IMAGES, _PROBLEMS, _TASK},
    "components/example_gen/bundled": {_READERS, _TASK},
    "components/example_gen": {
        *(_READERS, "components/example_gen/bundled"),
        *(_IMAGES, _PROBLEMS, _TASK),
    },
    "components/data_validation": {"components/example_gen", _READERS},
    "components/transform": {_INPUTS, _TASK},
    "components/pusher": {_SAVED_MODEL},
    # A baseline is chosen among what was pushed.
    "components/baseline": {"components/pusher", _SAVED_MODEL},
    "components/drift": {
        *("components/baseline", "components/data_validation", "components/example_gen"),
        *("components/pusher", _READERS),
        *(_PROBLEMS, _SAVED_MODEL, _TASK, _TRAINING),
    },
    "components/evaluator": {"components/pusher", _PROBLEMS, _SAVED_MODEL, _TASK},
    # Who reads Evaluator's report knows its form.
    "components/model_gate": {"components/evaluator", _PROBLEMS, _TASK},
    "components/serving_check": {"components/evaluator", _INPUTS, _TASK, _TRAINING},
    "components/export": {"components/evaluator", _SAVED_MODEL, _TRAINING},
    "components/pretrained": {_NETWORKS, _PROBLEMS, _SAVED_MODEL, _TASK},
    "components/bulk_predict": {
        *("components/example_gen", _READERS),
        *(_IMAGES, _PROBLEMS, _SAVED_MODEL),
    },
    "components/report": {
        *("components/drift", "components/example_gen", "components/model_gate"),
        *(_IMAGES, _PROBLEMS, _SAVED_MODEL, _TASK, _TRAINING),
    },
    "components/vertex": set(),
    "pipelines/task_files": {_ENGINE, _TASK},
    # Servers read pushed models, and run no step.
    "pipelines/serving": {"components/bulk_predict", _IMAGES, _SAVED_MODEL},
    "pipelines": {
        *(f"components/{name}" for name in ("baseline", "bulk_predict", "data_validation")),
        *(f"components/{name}" for name in ("evaluator", "example_gen", "export", "model_gate")),
        *(f"components/{name}" for name in ("pretrained", "pusher", "report", "serving_check")),
        *("components/drift", "components/transform", "pipelines/task_files"),
        *(_ENGINE, _NETWORKS, _PROBLEMS, _SAVED_MODEL, _TASK, _TRAINING),
    },
    # What `pipelines/local` notes of a run, and what is read of it later.
    "pipelines/local/ancestry": {
        *("components/example_gen", "components/pusher", "components/transform"),
        *("pipelines", "pipelines/task_files", _SAVED_MODEL),
    },
    "pipelines/local": {
        "pipelines/local/ancestry",
        *("components/data_validation", "components/example_gen", "components/model_gate"),
        *("components/drift", "components/pusher", "components/report", _READERS),
        *("pipelines", "pipelines/task_files", _PROBLEMS, _TASK),
    },
    "pipelines/local/history": {
        *("components/model_gate", "components/pusher", "components/report"),
        *("pipelines", "pipelines/local", "pipelines/task_files", _PROBLEMS, _SAVED_MODEL),
    },
    "pipelines/local/housekeeping": {
        *("components/pusher", "pipelines", "pipelines/local", "pipelines/local/history"),
    },
    "pipelines/local/commands": {
        *("components/pusher", "pipelines", "pipelines/local", "pipelines/local/ancestry"),
        *("pipelines/local/history", "pipelines/local/housekeeping", "pipelines/task_files"),
    },
    "pipelines/cloud": {
        *("components/example_gen", "components/pusher", "components/report"),
        *("components/vertex", "pipelines", _TASK),
    },
    # What a person starts.
    "pipelines: commands": {
        *("components/bulk_predict", "components/pusher"),
        *("pipelines", "pipelines/cloud", "pipelines/local"),
        *("pipelines/local/commands", "pipelines/local/history"),
        *("pipelines/serving", "pipelines/task_files"),
    },
}


def _place(module: str, packages: set[str]) -> str:
    """Returns the folder of a module as `_MAY_IMPORT` names it; "" for ground."""
    package, _, name = module.rpartition(".")
    if module in packages:
        package, name = module, "__init__"
    if name in _GROUND and package in (_ENGINE.replace("/", "."), "components"):
        return ""
    if package == "pipelines" and name in _COMMANDS:
        return "pipelines: commands"
    # The folders inside are the cloud's own affair: see `pipelines/cloud/targets.py`.
    return "pipelines/cloud" if package.startswith("pipelines.cloud") else package.replace(".", "/")


def _arrows(graph: dict[str, set[str]]) -> dict[tuple[str, str], list[str]]:
    """Returns the arrows between folders, with the imports that make them."""
    packages = {module.rpartition(".")[0] for module in graph} | {"schemas"}
    arrows: dict[tuple[str, str], list[str]] = {}
    for module, targets in graph.items():
        # Who imports a layer's own package asks where it lies, or what it is called.
        for target in targets - set(LAYERS):
            arrow = (_place(module, packages), _place(target, packages))
            arrows.setdefault(arrow, []).append(f"{module} imports {target}")
    return {arrow: made for arrow, made in arrows.items() if arrow[0] != arrow[1] and arrow[1]}


def test_folders_stand_one_upon_another() -> None:
    check_no_cycle(_MAY_IMPORT)


def test_a_folder_imports_what_stands_below_it_alone() -> None:
    arrows = _arrows(module_graph(ROOT))
    for (folder, target), made in arrows.items():
        allowed = _MAY_IMPORT.get(folder, set())
        assert target in allowed, f"{folder} may not import {target}, but {'; '.join(made)}"
    unused = {(a, b) for a, allowed in _MAY_IMPORT.items() for b in allowed} - set(arrows)
    assert not unused, "these arrows are gone: take them out of _MAY_IMPORT"


def test_the_ground_stands_on_nothing() -> None:
    graph = module_graph(ROOT)
    packages = {module.rpartition(".")[0] for module in graph} | {"schemas"}
    ground = {module for module in graph if not _place(module, packages)}
    assert {module.rpartition(".")[2] for module in ground} == _GROUND
    assert not {t for module in ground for t in graph[module]} - ground
