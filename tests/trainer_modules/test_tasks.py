"""What holds for every task: the contract between a task file and the pipeline."""

import importlib
import json
from pathlib import Path

import pytest

from pipelines import tasks
from trainer_modules.engine.entry import module_path, task_names
from trainer_modules.engine.problems import Classification, Segmentation
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.gates import BetterThanChance
from trainer_modules.engine.task.task import Backbone, EncoderDecoder, SavedNetwork, Task

GOLDEN = Path(__file__).parent / "golden"
SPELLINGS = [spelling for spelling, _ in tasks.descriptions()]
TASKS = {spelling: tasks.load(spelling) for spelling in SPELLINGS}


@pytest.fixture(params=SPELLINGS)
def task(request: pytest.FixtureRequest) -> Task:
    return TASKS[request.param]


def test_the_reference_tasks_are_there() -> None:
    assert set(task_names()) >= {
        *("digits", "mnist", "fashion_mnist", "flowers", "boston_housing", "cifar10", "gtsrb"),
        *("food101", "car_or_truck", "cassava", "camvid", "image_folder", "imagenet"),
    }


def test_module_exposes_what_tfx_looks_for(task: Task) -> None:
    module = importlib.import_module(module_path(task.module))
    assert module.TASK.name == task.module
    assert callable(module.preprocessing_fn) and callable(module.run_fn)
    assert "python pipelines/run_local.py" in (module.__doc__ or "")


def test_recipe_is_the_reviewed_one(task: Task, update_golden: bool) -> None:
    """`pytest --update-golden` writes the files anew; the difference is there to review."""
    path = GOLDEN / f"{task.name}.json"
    plain = json.dumps(overrides.to_plain(task), indent=1, ensure_ascii=False) + "\n"
    if update_golden:
        path.write_text(plain, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == plain


def test_json_round_trip(task: Task) -> None:
    assert overrides.from_json(overrides.to_json(task)) == task


def test_schema_knows_the_classes(task: Task) -> None:
    schema = tasks.schema(task)
    features = {f.name for f in schema.feature}
    assert task.problem.raw_label in features and "id" in features
    # Where nothing is learnt there are no labels to hold to anything.
    if task.phases and isinstance(task.problem, Classification) and task.problem.classes:
        (domain,) = schema.string_domain
        assert tuple(domain.value) == task.problem.classes
        (label,) = [f for f in schema.feature if f.name == task.problem.raw_label]
        assert label.domain == domain.name
    # Written out in the file, too, the classes would be a second list to keep.
    assert "string_domain" not in Path(tasks.schema_path(task)).read_text(encoding="utf-8")
    if isinstance(task.problem, Segmentation):
        assert len(task.problem.colours) == len(task.problem.classes)


def test_gates_name_metrics_that_its_kind_has(task: Task) -> None:
    from trainer_modules.engine.problems import MultiLabel, Regression

    known = {
        Classification: {"accuracy", "recall", "precision", "f1"},
        MultiLabel: {"mean_average_precision", "average_precision"},
        Segmentation: {"mean_iou", "iou", "pixel_accuracy"},
        Regression: {"mse", "mae", "r2"},
    }
    (kind,) = [k for k in known if isinstance(task.problem, k)]
    assert bool(task.gates) == bool(task.phases)
    named = [gate for gate in task.gates if not isinstance(gate, BetterThanChance)]
    assert {gate.metric for gate in named} <= known[kind]


def test_weights_reach_the_backbone_or_are_refused(tmp_path: Path) -> None:
    from trainer_modules.engine.errors import BadInputError

    weights = tmp_path / "w.h5"
    weights.touch()
    for spelling, task in TASKS.items():
        if isinstance(task.model, Backbone | EncoderDecoder | SavedNetwork):
            assert tasks.load(spelling, (), str(weights)).model.weights == str(weights)
        else:
            with pytest.raises(BadInputError, match="no backbone"):
                tasks.load(spelling, (), "none")
    with pytest.raises(BadInputError, match="existing file"):
        tasks.load("gtsrb", (), str(tmp_path / "absent.h5"))


@pytest.mark.parametrize(
    ("name", "says"),
    [("digit", "did you mean 'digits'"), ("mnist:c", "must be one of b"), ("", "must be one of")],
)
def test_unknown_tasks_are_refused(name: str, says: str) -> None:
    from trainer_modules.engine.errors import BadInputError

    with pytest.raises(BadInputError) as refused:
        tasks.load(name)
    assert says in str(refused.value)
