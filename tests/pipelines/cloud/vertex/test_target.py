"""What only Vertex AI adds to a job."""

import json

import pytest

from tests.pipelines.cloud.compiled_jobs import (
    compile_job,
    container_of,
    tasks_of,
)

pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_vertex_asks_for_the_last_blessed_model_and_drives_the_reader() -> None:
    compiled = compile_job()
    inputs = tasks_of(compiled)["ImageEvaluator"]["inputs"]["artifacts"]
    producer = inputs["baseline_model"]["taskOutputArtifact"]["producerTask"]
    assert producer == "Baseline-model-resolver"
    driver = container_of(compiled, "ImageExampleGen")["lifecycle"]["preCacheCheck"]
    assert driver["command"] == ["python", "-m", "pipelines.cloud.container_driver"]


def test_job_settings_come_from_the_configuration() -> None:
    compiled = compile_job(
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
    push = tasks_of(compiled)["Pusher"]["inputs"]["parameters"]["push_destination"]
    destination = json.loads(push["runtimeValue"]["constant"])
    assert destination["filesystem"]["base_directory"] == "gs://bucket/root/serving/digits"
