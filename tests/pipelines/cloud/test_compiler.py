"""What a compiled job contains, for every task and both platforms."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import tasks
from pipelines.cloud import (
    compiler,
    targets,
)
from tests.pipelines.cloud.compiled_jobs import (
    BASE,
    KUBEFLOW,
    compile_job,
    container_of,
    tasks_of,
    text_of,
)
from trainer_modules.engine.entry import task_names
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
# What a task needs besides where its classes come from the data, or its weights from the network.
NEEDS = {
    name: {"settings": ("problem.classes=('cat', 'dog')",)}
    for name in ("image_folder", "image_labels")
}
pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.mark.parametrize("target", targets.MODULES)
@pytest.mark.parametrize("name", task_names())
def test_every_task_compiles(name: str, target: str) -> None:
    place = KUBEFLOW if target == "kubeflow" else {}
    compiled = compile_job(task=name, **place, **NEEDS.get(name, {}))
    assert compiled.name == name.replace("_", "-")
    trained = {"Trainer": "tfx.components.trainer"}
    maker = trained if tasks.load(name).phases else {"PretrainedModel": "components.pretrained"}
    for task, wanted in {**maker, "Pusher": "components.pusher.component."}.items():
        container = container_of(compiled, task)
        assert container["image"] == BASE["image"]
        assert container["command"] == ["python", "-m", "pipelines.cloud.container"]
        assert container["args"][1].startswith(wanted)
    # Nothing of the machine that compiles may be in the job.
    text = targets.find(target).text(compiled)
    assert str(ROOT) not in text and "runs/" not in text


TUNED = {"tune": 2, "accelerator": "tpu-v5e-8", "project": "p", "region": "europe-west4"}


@pytest.mark.parametrize(
    ("name", "values"), [("digits-vertex", {}), ("digits-vertex-tuned", TUNED)]
)
def test_golden_digits(name: str, values: dict, update_golden: bool) -> None:
    text = re.sub(r"\b[0-9a-f]{16}\b", "<fingerprint>", text_of(compile_job(**values), "vertex"))
    golden = GOLDEN / f"{name}.json"
    if update_golden:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert json.loads(text) == json.loads(golden.read_text(encoding="utf-8"))


def test_same_input_same_bytes_in_another_process() -> None:
    program = (
        "from pipelines.cloud import config as cloud_config, compiler\n"
        f"config = cloud_config.build({BASE!r})\n"
        "from pipelines.cloud import targets\n"
        "import sys; sys.stdout.write(targets.find('vertex').text(compiler.compile_job(config)))\n"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "4711", "PATH": "/usr/bin", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    assert other == text_of(compile_job(), "vertex")


def test_compiling_loads_no_google_cloud_and_takes_little() -> None:
    program = (
        "from pipelines import startup\n"
        "from pipelines.cloud import compiler, config as cloud_config\n"
        "startup.prepare()\n"
        "import pipelines.image_pipeline\n"
        "import tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner, time, sys\n"
        f"config = cloud_config.build({ {**BASE, **KUBEFLOW}!r})\n"
        "begin = time.process_time()\n"
        "compiler.compile_job(config)\n"
        "print(time.process_time() - begin)\n"
        "print([m for m in sys.modules if m.startswith('google.cloud.aiplatform')])\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.splitlines()
    assert float(answer[-2]) < 3
    assert answer[-1] == "[]"


@pytest.mark.parametrize("pattern", ["span-{SPAN}", "span-{SPAN:3}", "{YYYY}-{MM}-{DD}"])
def test_data_and_span_are_runtime_parameters(pattern: str) -> None:
    compiled = compile_job(data=f"gs://bucket/digits/{pattern}")
    inputs = compiled.job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]
    assert inputs["data_path"]["defaultValue"] == "gs://bucket/digits"
    assert json.loads(inputs["data_span"]["defaultValue"]) == {"rolling_range": {"num_spans": 1}}
    given = tasks_of(compiled)["ImageExampleGen"]["inputs"]["parameters"]
    assert given["input_base"] == {"componentInputParameter": "data_path"}
    assert given["range_config"] == {"componentInputParameter": "data_span"}
    # Without a span in the path there is none to choose.
    assert "data_span" not in compile_job().job["runtimeConfig"]["parameterValues"]


def test_training_has_its_own_image_where_asked() -> None:
    compiled = compile_job(**KUBEFLOW, training_image="training@sha256:1")
    assert container_of(compiled, "Trainer")["image"] == "training@sha256:1"
    assert container_of(compiled, "Transform")["image"] == BASE["image"]
    tuned = compile_job(**KUBEFLOW, training_image="training@sha256:1", tune=2)
    assert container_of(tuned, "Tuner")["image"] == "training@sha256:1"


def test_a_task_file_rides_in_the_job_or_is_not_needed(tmp_path: Path) -> None:
    """Its schema as text if there is one; the file only where it has functions of its own."""
    path = tmp_path / "mine.py"
    text = (ROOT / "trainer_modules/digits.py").read_text().replace('"digits"', '"mine"')
    path.write_text(text)
    without = compile_job(task=str(path))
    assert without.name == "mine"
    assert "InferredSchema" in tasks_of(without) and "ReviewedSchema" not in tasks_of(without)
    schema = (ROOT / "schemas/digits.pbtxt").read_text()
    path.with_suffix(".pbtxt").write_text(schema)
    reviewed = compile_job(task=str(path))
    assert "ReviewedSchema" in tasks_of(reviewed) and "InferredSchema" not in tasks_of(reviewed)
    assert str(tmp_path) not in json.dumps(reviewed.job)

    path.write_text(f"{text}\n_train = run_fn\n\ndef run_fn(fn_args):\n    _train(fn_args)\n")
    own = _parameters(compile_job(task=str(path)), "Trainer")
    assert "def run_fn(fn_args)" in own["custom_config"]
    assert own["run_fn"] == "trainer_modules.engine.carried.run_fn"
    path.write_text(path.read_text() + "# why\n")
    assert _parameters(compile_job(task=str(path)), "Trainer") == own


def _parameters(compiled: compiler.Compiled, task: str) -> dict:
    given = tasks_of(compiled)[task]["inputs"]["parameters"]
    return {
        name: value["runtimeValue"]["constant"]
        for name, value in given.items()
        if "runtimeValue" in value
    }


def test_there_must_be_a_span_to_choose() -> None:
    with pytest.raises(BadInputError, match=r"\{SPAN\}"):
        compiler.chosen_span({"data_path": "gs://b"}, 3)
