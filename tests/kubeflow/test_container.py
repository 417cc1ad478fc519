"""What each container does around TFX's executor."""

import argparse
import json
from pathlib import Path

import pytest

from components.service_calls import ServiceError
from pipelines import cloud_config, compiler, container
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


def _drive(tmp_path: Path, **parameters: str) -> dict:
    """Drives the reader of a compiled job whose data has spans; returns what it decided."""
    for span in (1, 7):
        folder = tmp_path / f"data/span-{span}/train/cat"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "1.png").write_bytes(b"span %d" % span)
    config = {
        "target": "kubeflow",
        "task": "image_folder",
        "settings": ("problem.classes=('cat', 'dog')",),
        "data": str(tmp_path / "data/span-{SPAN}"),
        "pipeline_root": "minio://mlpipeline/vision",
        "serving_root": str(tmp_path),
        "image": "image@sha256:0",
    }
    spec = compiler.compile_job(cloud_config.build(config)).job["pipelineSpec"]
    inputs = spec["root"]["dag"]["tasks"]["ImageExampleGen"]["inputs"]["parameters"]
    defaults = spec["root"]["inputDefinitions"]["parameters"]
    values = {
        name: source["runtimeValue"]["constant"]
        if "runtimeValue" in source
        else parameters.get(
            source["componentInputParameter"],
            defaults[source["componentInputParameter"]]["defaultValue"],
        )
        for name, source in inputs.items()
    }
    args = spec["deploymentSpec"]["executors"]["ImageExampleGen_executor"]["container"]["args"]
    output_file = tmp_path / "out/executor_output.json"
    outputs = {
        key: {
            "artifacts": [
                {"uri": str(tmp_path / key), "type": definition["artifactType"], "name": key}
            ]
        }
        for key, definition in spec["components"]["ImageExampleGen"]["outputDefinitions"][
            "artifacts"
        ].items()
    }
    given = {
        "inputs": {"parameterValues": values},
        "outputs": {"artifacts": outputs, "outputFile": str(output_file)},
    }
    container._drive(
        argparse.Namespace(
            json_serialized_invocation_args=json.dumps(given),
            json_serialized_inputs_spec_args=args[
                args.index("--json_serialized_inputs_spec_args") + 1
            ],
        ),
        str(output_file),
    )
    return json.loads(output_file.read_text())["parameterValues"]


@pytest.mark.usefixtures("tfx_ready")
def test_the_newest_span_or_the_chosen_one(tmp_path: Path) -> None:
    from components.example_gen.root import data_root

    newest = _drive(tmp_path)
    assert newest["span"] == 7
    root = data_root({"input_base": str(tmp_path / "data"), **newest})
    assert root == str(tmp_path / "data/span-7")

    (tmp_path / "out/executor_output.json").unlink()
    values = {compiler.DATA_SPAN: ""}
    chosen = _drive(tmp_path, **compiler.chosen_span(values, 1))
    assert chosen["span"] == 1
    assert chosen["input_fingerprint"] != newest["input_fingerprint"]


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
