"""Beam's options, read by Beam itself."""

import pytest

from pipelines.cloud import config as cloud_config
from trainer_modules.engine.errors import BadInputError

BASE = {"pipeline_root": "gs://b/r", "image": "image@sha256:0"}
CLOUD = {**BASE, "beam_runner": "dataflow", "project": "p", "region": "europe-west4"}
pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_dataflow_options_are_beams() -> None:
    from apache_beam.options import pipeline_options as options

    from pipelines.cloud import beam as cloud_beam

    given = cloud_beam.dataflow_options(
        cloud_config.build({**CLOUD, "labels": {"team": "vision"}, "service_account": "sa"})
    )
    parsed = options.PipelineOptions(given)
    assert parsed.get_all_options(drop_default=True).keys() == {
        *("runner", "project", "region", "temp_location", "staging_location", "labels"),
        *("machine_type", "autoscaling_algorithm", "max_num_workers", "sdk_container_image"),
        *("sdk_location", "experiments", "service_account_email", "beam_plugins"),
    }
    assert parsed.view_as(options.GoogleCloudOptions).labels == ["team=vision"]
    assert parsed.view_as(options.WorkerOptions).machine_type == "n2-standard-4"
    assert parsed.view_as(options.SetupOptions).beam_plugins == ["pipelines.cloud.worker"]


def test_per_component() -> None:
    from pipelines.cloud import beam as cloud_beam

    chosen = cloud_beam.runners(
        ["StatisticsGen", "Transform", "ModelGate"],
        cloud_config.build({**CLOUD, "beam_on": ("Transform=direct",)}),
    )
    assert chosen == {"StatisticsGen": "dataflow", "Transform": "direct", "ModelGate": "direct"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"beam_on": ("Transfrom=direct",)}, "did you mean 'Transform'"),
        ({"beam_on": ("Transform=flink",)}, "must be one of direct, dataflow"),
        ({"beam_runner": "spark"}, "must be one of direct, dataflow"),
    ],
)
def test_refused(values: dict, message: str) -> None:
    from pipelines.cloud import beam as cloud_beam

    with pytest.raises(BadInputError, match=message):
        cloud_beam.runners(["Transform"], cloud_config.build({**BASE, **values}))


def test_dataflow_needs_a_place() -> None:
    from pipelines.cloud import beam as cloud_beam

    config = cloud_config.build({"pipeline_root": "/mnt", "image": "i"})
    with pytest.raises(BadInputError, match="--project, --region or --beam-region, --pipe"):
        cloud_beam.dataflow_options(config)


def test_the_job_uses_dataflow_where_asked_and_the_container_elsewhere() -> None:
    from pipelines.cloud import compiler

    job = compiler.compile_job(
        cloud_config.build({**CLOUD, "data": "gs://b/d", "beam_on": ("ImageEvaluator=direct",)})
    ).job
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    on_dataflow = {
        name.removesuffix("_executor")
        for name, e in executors.items()
        if "--runner=DataflowRunner" in e.get("container", {}).get("args", [])
    }
    assert on_dataflow == {"ImageExampleGen", "StatisticsGen", "Transform"}


def test_in_a_cluster_beam_takes_all_cores() -> None:
    from pipelines.cloud import beam as cloud_beam

    kubeflow = cloud_config.build({**BASE, "target": "kubeflow"})
    assert "--direct_num_workers=0" in cloud_beam.direct(kubeflow)
    assert not [a for a in cloud_beam.direct(cloud_config.build(BASE)) if "workers" in a]
