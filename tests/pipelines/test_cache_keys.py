"""What an edit reaches: every module is edited in a copy, and each step's key looked at."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines import cache_keys, tasks
from pipelines.config import RunConfig
from trainer_modules.engine import fingerprint, import_closure
from trainer_modules.engine.task import sources

ROOT = import_closure.ROOT
ENGINE = "trainer_modules/engine"


@pytest.fixture(scope="module")
def calls(tfx_ready, tmp_path_factory) -> dict[str, tuple[tuple[str, ...], Any, str]]:
    """Step → starts, what it is given, and the fingerprint: each as the pipelines ask for it.

    Everything that the DAG can hold is in one of the three: digits with forms, an unlabelled split
    and a search, as it runs here, on Kubeflow and on Vertex AI; and imagenet.
    """
    from components.baseline.pushed import PushedBaseline
    from components.vertex.deploy import VertexDeploy
    from pipelines.cloud.vertex.training import CustomJobTrainer, CustomJobTuner
    from pipelines.image_pipeline import create_pipeline
    from pipelines.platforms import LOCAL, Platform, latest_pushed

    def deploy(pushed: Any) -> Any:
        code = cache_keys.of_step(VertexDeploy)
        return VertexDeploy(pushed_model=pushed, settings="{}", code_fingerprint=code)

    cloud = Platform(
        baseline=latest_pushed,
        draws=True,
        trainer=CustomJobTrainer,
        tuner=CustomJobTuner,
        after_push=deploy,
    )
    digits = tasks.load("digits", ('serving.formats=("tflite",)',))
    unlabelled = sources.TFRecords(train="a", eval="b", unlabelled="c")
    asked: dict[str, tuple[tuple[str, ...], Any, str]] = {}
    original = fingerprint.of_code
    seen: list[tuple[tuple[str, ...], Any, str]] = []

    def watched(*starts: str, given: Any = ()) -> str:
        seen.append((starts, given, original(*starts, given=given)))
        return seen[-1][2]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprint, "of_code", watched)
        built = [
            create_pipeline(
                digits,
                RunConfig(task="digits", root="/r", tune=2),
                data="/d",
                source=unlabelled,
                platform=platform,
            )
            for platform in (LOCAL, cloud)
        ]
        imagenet = tasks.load("imagenet", (), "none")
        run = RunConfig(task="imagenet", root="/r")
        built.append(create_pipeline(imagenet, run, data="", source=imagenet.source))
        # A file from elsewhere, with no schema yet.
        file = tmp_path_factory.mktemp("elsewhere") / "mine.py"
        text = Path(ROOT, "trainer_modules", "digits.py").read_text()
        file.write_text(text.replace('"digits"', '"mine"'))
        mine = tasks.load(str(file))
        run = RunConfig(task=str(file), root="/r")
        built.append(create_pipeline(mine, run, data="/d", source=unlabelled))
    assert PushedBaseline
    for place, pipeline in zip(("", "cloud ", "exported ", "file's "), built, strict=False):
        for node in pipeline.components:
            text = json.dumps({k: str(v) for k, v in _parameters(node).items()})
            asked |= {f"{place}{node.id}": call for call in seen if call[2] in text}
    asked["PretrainedModel"] = next(c for c in seen if "PretrainedModel" in str(c[0]))
    asked["all"] = ((), [node for p in built for node in p.components], "")
    asked["seen"] = ((), seen, "")
    return asked


def _parameters(node: Any) -> dict[str, Any]:
    return dict(getattr(node, "exec_properties", {}))


def test_every_step_with_code_of_ours_has_its_fingerprint(calls) -> None:
    from tfx.dsl.components.base.base_component import BaseComponent

    seen = set()
    for node in calls["all"][1]:
        if not isinstance(node, BaseComponent):
            continue  # A resolver is never cached.
        own = [s for s in cache_keys.starts(type(node)) if import_closure.is_own(s)]
        functions = [v for v in _parameters(node).values() if str(v).startswith("trainer_modules.")]
        if own or functions:
            starts = {*own, *(":".join(f.rsplit(".", 1)) for f in functions)}
            text = str(_parameters(node))
            matching = [call for call in calls["seen"][1] if call[2] in text]
            assert any(starts <= set(c[0]) for c in matching), f"{node.id} notices no edit"
        seen.add(type(node).__name__)
    # And there is no component that these pipelines do not hold.
    assert _components() <= seen


def _components() -> set[str]:
    """Returns the names of the components in the sources: `@component`, or with a SPEC."""
    found = set()
    for path in [*(ROOT / "components").rglob("*.py"), *(ROOT / "pipelines").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                decorators = [getattr(d, "func", d) for d in node.decorator_list]
                if any(getattr(d, "id", "") == "component" for d in decorators):
                    found.add(node.name)
            elif isinstance(node, ast.ClassDef) and any(
                getattr(t, "id", "") == "EXECUTOR_SPEC"
                for a in node.body
                if isinstance(a, ast.Assign)
                for t in a.targets
            ):
                found.add(node.name)
    return found


@pytest.fixture(scope="module")
def edited(calls, tmp_path_factory):
    """File → the steps whose key an edit of it changes, each file of a copy edited in turn."""
    root = tmp_path_factory.mktemp("copy")
    packages = ("trainer_modules", "components", "pipelines", "schemas")
    ignored = shutil.ignore_patterns("__pycache__")
    for package in packages:
        shutil.copytree(ROOT / package, root / package, ignore=ignored)
    steps = {step: call for step, call in calls.items() if call[2]}

    def keys() -> dict[str, str]:
        # Most steps are in several pipelines: each question is asked once.
        asked: dict[tuple[Any, ...], str] = {}
        codes = {}
        for step, (starts, given, _) in steps.items():
            question = (starts, *sorted(import_closure.modules_of(given)))
            if question not in asked:
                asked[question] = fingerprint.of_code(*starts, given=given, root=root)
            codes[step] = asked[question]
        return codes

    before = keys()
    assert before == {step: code for step, (_, _, code) in steps.items()}
    changed: dict[str, set[str]] = {}
    for path in sorted(p for package in packages for p in (root / package).rglob("*.*")):
        if path.is_dir():
            continue
        text = path.read_bytes()
        path.write_bytes(text + b"\nEDITED = 1\n")
        after = keys()
        path.write_bytes(text)
        name = path.relative_to(root).as_posix()
        changed[name] = {step for step in before if before[step] != after[step]}
    return changed


def test_an_edit_changes_the_keys_of_exactly_the_steps_that_reach_it(calls, edited) -> None:
    files = {step: _reached(*call[:2]) for step, call in calls.items() if call[2]}
    for file, changed in edited.items():
        assert changed == {step for step, reached in files.items() if file in reached}, file


def _reached(starts: tuple[str, ...], given: Any) -> dict[str, Path]:
    own = [start for start in starts if import_closure.is_own(start)]
    return import_closure.reached([*own, *import_closure.modules_of(given)])


LEARNING = {"Transform", "Tuner", "Trainer"}


@pytest.mark.parametrize(
    ("file", "reached", "not_reached"),
    [
        # The edit that was cached while a model was pushed: a regression's target.
        (f"{ENGINE}/problems/regression.py", LEARNING, {"Pusher", "DataGate"}),
        (f"{ENGINE}/problems/segmentation.py", LEARNING, {"Pusher"}),
        (f"{ENGINE}/images/preprocessing.py", LEARNING | {"ExportFormats"}, {"ImageExampleGen"}),
        (f"{ENGINE}/images/decoding.py", LEARNING | {"ImageExampleGen"}, {"ModelGate"}),
        (f"{ENGINE}/training/callbacks.py", {"Tuner", "Trainer"}, {"Transform", "ImageEvaluator"}),
        ("components/evaluator/metrics.py", {"ImageEvaluator"}, LEARNING),
        (f"{ENGINE}/problems/mask_tally.py", {"ImageEvaluator", "Report"}, LEARNING | {"Pusher"}),
        ("components/model_gate/chance.py", {"ModelGate"}, LEARNING | {"ImageEvaluator"}),
        (
            f"{ENGINE}/saved_model/write.py",
            {"Trainer", "PretrainedModel"},
            {"Transform", "ImageEvaluator"},
        ),
        ("components/model_gate/judging.py", {"ModelGate"}, LEARNING | {"ImageEvaluator"}),
        ("components/example_gen/readers/shards.py", {"ImageExampleGen"}, LEARNING),
        ("components/example_gen/driver.py", {"ImageExampleGen"}, LEARNING),
        ("components/bulk_predict/model.py", {"BulkPredict"}, LEARNING | {"ExportFormats"}),
        ("components/report/templates/style.css", {"Report"}, LEARNING | {"ImageEvaluator"}),
        ("components/vertex/custom_job.py", {"cloud Trainer", "cloud Tuner"}, {"Trainer"}),
        ("trainer_modules/imagenet_classes.json", {"PretrainedModel"}, {"Pusher"}),
        # A task travels as data: a gate changed in its file trains nothing anew.
        ("trainer_modules/digits.py", set(), LEARNING | {"ImageExampleGen"}),
    ],
)
def test_an_edit_reaches(edited, file: str, reached: set[str], not_reached: set[str]) -> None:
    assert reached <= edited[file]
    assert not edited[file] & not_reached


def test_each_data_file_is_reached_or_travels_as_text(edited) -> None:
    data = [f for f in edited if not f.endswith((".py", ".pbtxt")) and not edited[f]]
    # No step draws the comparison of two runs and the history of all.
    drawn_later = ("components/report/templates/compare.", "pipelines/local/history/templates/")
    assert not [f for f in data if not f.startswith(drawn_later)]
