"""What each container does around TFX's executor."""

import json
from pathlib import Path
from typing import Any

import pytest

from components.service_calls import ServiceError
from pipelines.cloud import (
    compiler,
    container,
    container_contract,
    container_look,
)
from pipelines.cloud import (
    config as cloud_config,
)
from trainer_modules.engine.errors import BadInputError


def test_stores_become_the_launchers_paths_and_back() -> None:
    given = {
        "inputs": {"artifacts": {"model": {"artifacts": [{"uri": "s3://bucket/a/model"}]}}},
        "outputs": {
            "artifacts": {
                "x": {"artifacts": [{"uri": "minio://mlpipeline/b/x", "name": "n"}]},
                "y": {"artifacts": [{"uri": "gs://bucket/y"}]},
            },
            "outputFile": "/tmp/out.json",
        },
    }
    local = container.to_local(given)
    assert local["inputs"]["artifacts"]["model"]["artifacts"][0]["uri"] == "/s3/bucket/a/model"
    assert local["outputs"]["artifacts"]["x"]["artifacts"] == [
        {"uri": "/minio/mlpipeline/b/x", "name": "n"}
    ]
    # TensorFlow opens these itself.
    assert local["outputs"]["artifacts"]["y"]["artifacts"][0]["uri"] == "gs://bucket/y"
    assert local["outputs"]["outputFile"] == "/tmp/out.json"
    written = {"artifacts": local["outputs"]["artifacts"]}
    assert container.to_remote(written) == {"artifacts": given["outputs"]["artifacts"]}


def test_folders_of_outputs(tmp_path: Path) -> None:
    def output(name: str, kind: dict) -> dict:
        return {"artifacts": [{"uri": str(tmp_path / "step" / name), "type": kind}]}

    container.make_folders(
        {
            "outputs": {
                "artifacts": {
                    "model": output("model", {"instanceSchema": "title: tfx.Model"}),
                    "html": output("html", {"schemaTitle": "system.HTML"}),
                    "remote": {"artifacts": [{"uri": "gs://bucket/model"}]},
                }
            }
        }
    )
    assert (tmp_path / "step/model").is_dir()
    # The platforms draw what lies at the URI itself: a file.
    assert not (tmp_path / "step/html").exists()


RECORDED = Path(__file__).with_name("recorded") / "DataGate.json"


@pytest.mark.usefixtures("tfx_ready")
def test_what_kubeflows_driver_sends_is_understood(tmp_path: Path) -> None:
    """A step runs with what the real driver and launcher of Kubeflow 2.14.3 handed over."""
    from tfx.types import artifact_utils, standard_artifacts

    from components.report.artifacts import register_shown_types

    register_shown_types()
    recorded = json.loads(RECORDED.read_text())
    given = json.loads(
        json.dumps(recorded["executor_input"]).replace("minio://mlpipeline", str(tmp_path))
    )
    # Both have no type, and ExampleAnomalies says `blessed` of each split.
    inputs = given["inputs"]["artifacts"]
    assert inputs["anomalies"]["artifacts"][0]["type"] == {"instanceSchema": ""}
    assert given["outputs"]["artifacts"]["executor-logs"]
    rejected = Path(inputs["rejected"]["artifacts"][0]["uri"])
    rejected.mkdir(parents=True)
    (rejected / "summary.json").write_text(
        json.dumps({"counts": {"train": 9, "eval": 3}, "rejected": 0, "duplicates": 0})
    )
    (rejected / "rejected.jsonl").write_text("")
    anomalies = standard_artifacts.ExampleAnomalies()
    anomalies.uri = inputs["anomalies"]["artifacts"][0]["uri"]
    for split in ("train", "eval"):
        folder = Path(artifact_utils.get_split_uri([_splits(anomalies)], split))
        folder.mkdir(parents=True)
        (folder / "SchemaDiff.pb").write_bytes(b"")
    output_file = tmp_path / "out/output_metadata.json"
    given["outputs"]["outputFile"] = str(output_file)
    command = [json.dumps(given) if part == "{{$}}" else part for part in recorded["command"]]
    assert container.main(command[3:]) == 0
    written = json.loads(output_file.read_text())
    assert set(written["artifacts"]) == {"approval"}


def _splits(anomalies: Any) -> Any:
    anomalies.split_names = '["train", "eval"]'
    return anomalies


@pytest.mark.usefixtures("tfx_ready")
def test_a_type_that_nobody_knows_is_still_an_error() -> None:
    """Only what the platforms call their own may be left out; a misspelt class may not."""
    outputs = {
        "artifacts": {
            "logs": {"artifacts": [{"type": {"schemaTitle": "system.Artifact"}}]},
            "mine": {"artifacts": [{"type": {"schemaTitle": "components.NoSuchClass"}}]},
        }
    }
    left = container_contract.to_tfx_input({"outputs": outputs}, None)
    assert set(left["outputs"]["artifacts"]) == {"mine"}


KUBEFLOW = {
    "target": "kubeflow",
    "task": "image_folder",
    "settings": ("problem.classes=('cat', 'dog')",),
    "pipeline_root": "minio://mlpipeline/vision",
    "image": "image@sha256:0",
}


def _look(tmp_path: Path, step: str, artifacts: dict, **parameters: str) -> dict:
    """Runs a compiled step that looks, as Kubeflow would; returns what it saw."""
    values = {"data": str(tmp_path / "data/span-{SPAN}"), "serving_root": str(tmp_path)}
    spec = compiler.compile_job(cloud_config.build(KUBEFLOW | values)).job["pipelineSpec"]
    task, component = spec["root"]["dag"]["tasks"][step], spec["components"][step]
    assert "cachingOptions" not in task
    defaults = spec["root"]["inputDefinitions"]["parameters"]
    given = {
        name: source["runtimeValue"]["constant"]
        if "runtimeValue" in source
        else parameters.get(
            source["componentInputParameter"],
            defaults[source["componentInputParameter"]]["defaultValue"],
        )
        for name, source in task["inputs"]["parameters"].items()
    }
    output_file = tmp_path / "output_metadata.json"
    executor_input = {
        "inputs": {"parameterValues": given, "artifacts": artifacts},
        "outputs": {
            "parameters": {
                key: {"outputFile": f"/tmp/kfp/outputs/{key}"}
                for key in component["outputDefinitions"]["parameters"]
            },
            "outputFile": str(output_file),
        },
    }
    ran = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    assert ran["command"] == ["python", "-m", "pipelines.cloud.container_look"]
    filled = [json.dumps(executor_input) if part == "{{$}}" else part for part in ran["args"]]
    assert container_look.main(filled) == 0
    written = json.loads(output_file.read_text())
    assert set(written) == {"parameterValues"}
    return written["parameterValues"]


@pytest.mark.usefixtures("tfx_ready")
def test_the_newest_span_or_the_chosen_one(tmp_path: Path) -> None:
    from components.example_gen.root import data_root

    for span in (1, 7):
        folder = tmp_path / f"data/span-{span}/train/cat"
        folder.mkdir(parents=True)
        (folder / "1.png").write_bytes(b"span %d" % span)
    newest = _look(tmp_path, "DataFingerprint", {})
    assert newest["span"] == 7
    root = data_root({"input_base": str(tmp_path / "data"), **newest})
    assert root == str(tmp_path / "data/span-7")
    assert _look(tmp_path, "DataFingerprint", {}) == newest

    values = {compiler.DATA_SPAN: ""}
    chosen = _look(tmp_path, "DataFingerprint", {}, **compiler.chosen_span(values, 1))
    assert chosen["span"] == 1
    assert chosen["input_fingerprint"] != newest["input_fingerprint"]

    (tmp_path / "data/span-7/train/cat/2.png").write_bytes(b"one more")
    assert (
        _look(tmp_path, "DataFingerprint", {})["input_fingerprint"] != (newest["input_fingerprint"])
    )


@pytest.mark.usefixtures("tfx_ready")
def test_the_baseline_is_the_newest_version_that_is_not_the_candidate(tmp_path: Path) -> None:
    def export(folder: Path, fingerprint: bytes, classes: tuple[str, ...] = ("cat", "dog")) -> None:
        (folder / "assets").mkdir(parents=True)
        (folder / "assets/classes.txt").write_text("".join(f"{c}\n" for c in classes))
        (folder / "saved_model.pb").write_bytes(b"graph")
        (folder / "variables").mkdir()
        for name in ("variables.index", "variables.data-00000-of-00001"):
            (folder / "variables" / name).write_bytes(b"values")
        (folder / "fingerprint.pb").write_bytes(fingerprint)

    (tmp_path / "data/span-1/train/cat").mkdir(parents=True)
    export(tmp_path / "model/Format-Serving", b"new")
    # As Kubeflow's driver hands it over: without a type.
    model = {"name": "5", "uri": str(tmp_path / "model"), "type": {"instanceSchema": ""}}
    candidate = {"candidate": {"artifacts": [model]}}
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": ""}
    served = tmp_path / "image_folder"
    export(served / "9", b"old")
    export(served / "10", b"older run, higher number")
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": str(served / "10")}
    # A model of other classes is passed over for one of the same.
    export(served / "10000", b"with a class renamed", ("cat", "hound"))
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": str(served / "10")}
    # The run has pushed it: what it was compared with stays what it is compared with.
    export(served / "11", b"new")
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": str(served / "10")}


def test_there_must_be_a_span_to_choose() -> None:
    with pytest.raises(BadInputError, match=r"\{SPAN\}"):
        compiler.chosen_span({"data_path": "gs://b"}, 3)


@pytest.mark.parametrize(
    ("error", "code"), [(BadInputError("mend it"), 2), (ServiceError("ask for quota"), 1)]
)
def test_what_a_person_can_mend_is_one_paragraph(
    error: Exception, code: int, capsys: pytest.CaptureFixture
) -> None:
    def work() -> None:
        raise error

    assert container.reported(work) == code
    assert capsys.readouterr().err == f"error: {error}\n"
