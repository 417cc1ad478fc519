"""What each container does around TFX's executor."""

from pathlib import Path

import pytest

from components.service_calls import ServiceError
from pipelines.cloud import (
    container,
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
