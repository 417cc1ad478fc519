"""What a compiled job contains, for every task and both platforms."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipelines import tasks
from pipelines.cloud import compiler, targets
from pipelines.cloud import config as cloud_config
from pipelines.cloud.compiled import Compiled
from trainer_modules.engine.entry import task_names
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]
GOLDEN = Path(__file__).parent / "golden"
BASE = {
    "task": "digits",
    "data": "gs://bucket/digits",
    "pipeline_root": "gs://bucket/root",
    "image": "europe-docker.pkg.dev/p/r/tfx-vision@sha256:0123",
}
KUBEFLOW = {"target": "kubeflow", "pipeline_root": "minio://mlpipeline/vision"} | {
    "serving_root": "/mnt/serving",
    "data": "/mnt/digits",
}
# What a task needs besides where its classes come from the data, or its weights from the network.
NEEDS = {
    name: {"settings": ("problem.classes=('cat', 'dog')",)}
    for name in ("image_folder", "image_labels")
}

pytestmark = pytest.mark.usefixtures("tfx_ready")


def _compile(**values: object) -> Compiled:
    return compiler.compile_job(cloud_config.build({**BASE, **values}))


def _text(compiled: Compiled, target: str) -> str:
    return targets.find(target).text(compiled)


def _tasks(compiled: Compiled) -> dict:
    return compiled.job["pipelineSpec"]["root"]["dag"]["tasks"]


def _container(compiled: Compiled, name: str) -> dict:
    return compiled.job["pipelineSpec"]["deploymentSpec"]["executors"][f"{name}_executor"][
        "container"
    ]


@pytest.mark.parametrize("target", targets.MODULES)
@pytest.mark.parametrize("name", task_names())
def test_every_task_compiles(name: str, target: str) -> None:
    place = KUBEFLOW if target == "kubeflow" else {}
    compiled = _compile(task=name, **place, **NEEDS.get(name, {}))
    assert compiled.name == name.replace("_", "-")
    trained = {"Trainer": "tfx.components.trainer"}
    maker = trained if tasks.load(name).phases else {"PretrainedModel": "components.pretrained"}
    for task, wanted in {**maker, "Pusher": "components.pusher.component."}.items():
        container = _container(compiled, task)
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
    text = re.sub(r"\b[0-9a-f]{16}\b", "<fingerprint>", _text(_compile(**values), "vertex"))
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
    assert other == _text(_compile(), "vertex")


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


def test_kubeflow_gets_one_document_that_its_schema_reads() -> None:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    (spec,) = yaml.safe_load_all(_text(_compile(**KUBEFLOW), "kubeflow"))
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    assert parsed.schema_version == "2.1.0"
    assert parsed.pipeline_info.name == "digits"


def test_kubeflow_has_no_resolvers_and_looks_outside_each_time() -> None:
    compiled = _compile(**KUBEFLOW)
    executors = compiled.job["pipelineSpec"]["deploymentSpec"]["executors"].values()
    # Its backend answers "resolver not implemented yet", and runs no driver before its cache.
    assert not [e for e in executors if "resolver" in e or "lifecycle" in e.get("container", {})]
    tasks = _tasks(compiled)
    never = {name for name, task in tasks.items() if "cachingOptions" not in task}
    assert never == {"DataFingerprint", "ServedVersion"}
    for name, look, seen in (
        ("ImageExampleGen", "DataFingerprint", {"input_config", "input_fingerprint", "span"}),
        ("Baseline", "ServedVersion", {"version"}),
    ):
        parameters = tasks[name]["inputs"]["parameters"]
        taken = {
            key: source["taskOutputParameter"]
            for key, source in parameters.items()
            if "taskOutputParameter" in source
        }
        assert taken == {key: {"producerTask": look, "outputParameterKey": key} for key in seen}
        assert look in tasks[name]["dependentTasks"]
        arguments = _container(compiled, name)["args"]
        declared = json.loads(arguments[arguments.index("--json_serialized_inputs_spec_args") + 1])
        assert seen <= set(declared["parameters"])


def test_vertex_asks_for_the_last_blessed_model_and_drives_the_reader() -> None:
    compiled = _compile()
    inputs = _tasks(compiled)["ImageEvaluator"]["inputs"]["artifacts"]
    producer = inputs["baseline_model"]["taskOutputArtifact"]["producerTask"]
    assert producer == "Baseline-model-resolver"
    driver = _container(compiled, "ImageExampleGen")["lifecycle"]["preCacheCheck"]
    assert driver["command"] == ["python", "-m", "pipelines.cloud.container_driver"]


@pytest.mark.parametrize("pattern", ["span-{SPAN}", "span-{SPAN:3}", "{YYYY}-{MM}-{DD}"])
def test_data_and_span_are_runtime_parameters(pattern: str) -> None:
    compiled = _compile(data=f"gs://bucket/digits/{pattern}")
    inputs = compiled.job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]
    assert inputs["data_path"]["defaultValue"] == "gs://bucket/digits"
    assert json.loads(inputs["data_span"]["defaultValue"]) == {"rolling_range": {"num_spans": 1}}
    given = _tasks(compiled)["ImageExampleGen"]["inputs"]["parameters"]
    assert given["input_base"] == {"componentInputParameter": "data_path"}
    assert given["range_config"] == {"componentInputParameter": "data_span"}
    # Without a span in the path there is none to choose.
    assert "data_span" not in _compile().job["runtimeConfig"]["parameterValues"]


def test_job_settings_come_from_the_configuration() -> None:
    compiled = _compile(
        service_account="sa@p.iam.gserviceaccount.com",
        network="projects/1/global/networks/n",
        encryption_key="projects/p/locations/l/keyRings/r/cryptoKeys/k",
        labels={"team": "vision"},
    )
    job = compiled.job
    assert job["serviceAccount"] == "sa@p.iam.gserviceaccount.com"
    assert job["network"] == "projects/1/global/networks/n"
    assert job["encryptionSpec"]["kmsKeyName"].endswith("cryptoKeys/k")
    assert job["labels"]["team"] == "vision"
    push = _tasks(compiled)["Pusher"]["inputs"]["parameters"]["push_destination"]
    destination = json.loads(push["runtimeValue"]["constant"])
    assert destination["filesystem"]["base_directory"] == "gs://bucket/root/serving/digits"


def test_training_has_its_own_image_where_asked() -> None:
    compiled = _compile(**KUBEFLOW, training_image="training@sha256:1")
    assert _container(compiled, "Trainer")["image"] == "training@sha256:1"
    assert _container(compiled, "Transform")["image"] == BASE["image"]
    tuned = _compile(**KUBEFLOW, training_image="training@sha256:1", tune=2)
    assert _container(tuned, "Tuner")["image"] == "training@sha256:1"


def test_classes_that_cannot_be_known_are_asked_for() -> None:
    with pytest.raises(BadInputError, match=r"problem\.classes"):
        _compile(task="image_folder")


def test_container_sizes_and_node_settings_for_kubeflow() -> None:
    compiled = _compile(
        **{**KUBEFLOW, "accelerator": "nvidia-t4:2", "tune": 2},
        **{"cpu": "4", "memory": "16G", "volumes": ("data=/mnt",)},
    )
    assert compiled.kubernetes is not None
    settings = compiled.kubernetes["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for name in ("Trainer", "Tuner"):
        training = settings[f"{name}_executor"]
        assert training["nodeSelector"]["labels"] == {
            "cloud.google.com/gke-accelerator": "nvidia-tesla-t4"
        }
        assert training["tolerations"][0]["key"] == "nvidia.com/gpu"
        resources = _container(compiled, name)["resources"]
        assert resources["accelerator"]["resourceCount"] == "2"
        assert resources["resourceMemoryLimit"] == "16G" and resources["cpuLimit"] == 4
    assert "nodeSelector" not in settings["Transform_executor"]
    assert {s["pvcMount"][0]["mountPath"] for s in settings.values()} == {"/mnt"}
    assert "accelerator" not in _container(compiled, "Transform")["resources"]


def test_a_task_file_rides_in_the_job_or_is_not_needed(tmp_path: Path) -> None:
    """Its schema as text if there is one; the file only where it has functions of its own."""
    path = tmp_path / "mine.py"
    text = (ROOT / "trainer_modules/digits.py").read_text().replace('"digits"', '"mine"')
    path.write_text(text)
    without = _compile(task=str(path))
    assert without.name == "mine"
    assert "InferredSchema" in _tasks(without) and "ReviewedSchema" not in _tasks(without)
    schema = (ROOT / "schemas/digits.pbtxt").read_text()
    path.with_suffix(".pbtxt").write_text(schema)
    reviewed = _compile(task=str(path))
    assert "ReviewedSchema" in _tasks(reviewed) and "InferredSchema" not in _tasks(reviewed)
    assert str(tmp_path) not in json.dumps(reviewed.job)

    path.write_text(f"{text}\n_train = run_fn\n\ndef run_fn(fn_args):\n    _train(fn_args)\n")
    own = _parameters(_compile(task=str(path)), "Trainer")
    assert "def run_fn(fn_args)" in own["custom_config"]
    assert own["run_fn"] == "trainer_modules.engine.carried.run_fn"
    path.write_text(path.read_text() + "# why\n")
    assert _parameters(_compile(task=str(path)), "Trainer") == own


def _parameters(compiled: compiler.Compiled, task: str) -> dict:
    given = _tasks(compiled)[task]["inputs"]["parameters"]
    return {
        name: value["runtimeValue"]["constant"]
        for name, value in given.items()
        if "runtimeValue" in value
    }
