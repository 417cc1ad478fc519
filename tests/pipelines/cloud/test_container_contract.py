"""What a platform hands to a container, in the form that TFX's entry point reads."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import (
    container,
    container_contract,
)

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


@pytest.mark.usefixtures("tfx_ready")
def test_an_artifact_without_a_type_has_the_compiled_one_and_others_keep_theirs() -> None:
    spec = {"artifacts": {"model": {"artifactType": {"schemaTitle": "tfx.Model"}}}}
    bare, typed = {"instanceSchema": ""}, {"schemaTitle": "tfx.Examples"}
    given = {
        "inputs": {
            "parameterValues": {"a": 1},
            "artifacts": {
                "model": {"artifacts": [{"uri": "m", "type": bare}, {"uri": "n", "type": typed}]},
                "undeclared": {"artifacts": [{"uri": "u", "type": bare}]},
            },
        },
        "outputs": {"outputFile": "/out"},
    }
    before = json.dumps(given)
    inputs = container_contract.to_tfx_input(given, json.dumps(spec))["inputs"]
    assert [artifact["type"] for artifact in inputs["artifacts"]["model"]["artifacts"]] == [
        {"schemaTitle": "tfx.Model"},
        typed,
    ]
    assert inputs["artifacts"]["undeclared"] == given["inputs"]["artifacts"]["undeclared"]
    assert inputs["parameterValues"] == {"a": 1}
    assert json.dumps(given) == before, "what the platform sent stays as it was"
    # A command line that says nothing of the inputs changes none.
    left = container_contract.to_tfx_input(given, None)
    assert left["inputs"] == given["inputs"]
    assert left["outputs"] == {"outputFile": "/out", "artifacts": {}}
