"""`doctor`, against Kubeflow's own API server."""

from pipelines.cloud import config as cloud_config
from pipelines.cloud.doctor import command as doctor
from pipelines.cloud.doctor import kubeflow as doctor_kubeflow
from pipelines.cloud.doctor.check import OK, UNKNOWN


def test_the_api_server_is_asked_in_its_own_words(api_server: str) -> None:
    config = cloud_config.build(
        {
            "target": "kubeflow",
            "host": api_server,
            "pipeline_root": "minio://mlpipeline/r",
            "serving_root": "/mnt/serving",
        }
    )
    found = {one.name: doctor._look(one) for one in doctor_kubeflow.checks(config)}
    # A build from source calls its version "unknown".
    assert found["API server"].state in (OK, UNKNOWN) and "version" in found["API server"].said
    assert found["who you are"].state == OK
    # There are no pages in front of it, and so no way to the metadata store.
    assert "there is no metadata store" in found["metadata store"].said
