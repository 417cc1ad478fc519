"""Compiled jobs of small configurations, and parts of them."""

from pipelines.cloud import compiler, targets
from pipelines.cloud import config as cloud_config
from pipelines.cloud.compiled import Compiled

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


def compile_job(**values: object) -> Compiled:
    return compiler.compile_job(cloud_config.build({**BASE, **values}))


def text_of(compiled: Compiled, target: str) -> str:
    return targets.find(target).text(compiled)


def tasks_of(compiled: Compiled) -> dict:
    return compiled.job["pipelineSpec"]["root"]["dag"]["tasks"]


def container_of(compiled: Compiled, name: str) -> dict:
    return compiled.job["pipelineSpec"]["deploymentSpec"]["executors"][f"{name}_executor"][
        "container"
    ]


PJRT = {
    "NEXT_PLUGGABLE_DEVICE_USE_C_API": "true",
    "TF_PLUGGABLE_DEVICE_LIBRARY_PATH": "/lib/libtpu.so",
}
