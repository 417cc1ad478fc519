"""Compiles the DAG into jobs for Vertex AI and Kubeflow Pipelines.

The same input gives the same bytes. Values that may change at submission are runtime parameters:
the data's path, its span if the path has one, and the pipeline root, which both platforms accept by
default.
"""

import dataclasses
import json
import re
from dataclasses import dataclass
from typing import Any

from components.pusher import served
from pipelines import cache_keys, early_checks, startup, tasks
from pipelines.cloud import accelerators, notifications
from pipelines.cloud import data as cloud_data
from pipelines.cloud.accelerators import Accelerator
from pipelines.cloud.config import KUBEFLOW, VERTEX, CloudConfig
from pipelines.cloud.vertex import serving as vertex_serving
from trainer_modules.engine.errors import BadInputError

DATA_PATH, DATA_SPAN = "data_path", "data_span"
SPOT_RETRIES = 5
# For Vertex AI this is the longest pause, at most an hour; for Argo, below Kubeflow, the time after
# which it stops retrying: a week.
_LONGEST_BACKOFF = {VERTEX: "3600s", KUBEFLOW: "604800s"}
_LATEST_SPAN = '{"rolling_range": {"num_spans": 1}}'
# Starts TFX's executor with the adaptations that both platforms need.
_ENTRY = ("python", "-m", "pipelines.cloud.container")
_DRIVER = ("python", "-m", "pipelines.cloud.container_driver")


@dataclass(frozen=True)
class Compiled:
    """A compiled job.

    Attributes:
      job: PipelineJob in JSON form, as Vertex AI's API takes it.
      kubernetes: Node settings per executor for Kubeflow; None for none.
    """

    job: dict[str, Any]
    kubernetes: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """The pipeline's name."""
        return str(self.job["pipelineSpec"]["pipelineInfo"]["name"])

    def text(self, target: str) -> str:
        """Returns the file's content: JSON for Vertex AI, YAML documents for Kubeflow."""
        if target == VERTEX:
            return json.dumps(self.job, sort_keys=True, indent=1) + "\n"
        import yaml

        documents = [self.job["pipelineSpec"]]
        if self.kubernetes:
            documents.append(self.kubernetes)
        return str(yaml.safe_dump_all(documents, sort_keys=True, width=100))


def compile_job(config: CloudConfig) -> Compiled:
    """Compiles the pipeline that `config` describes.

    Raises:
      BadInputError: If something is missing, unknown or impossible.
    """
    config.check_compile()
    accelerator = accelerators.find(
        config.accelerator, config.target, spot=config.spot, reservation=config.reservation or ""
    )
    if accelerator.device != "cpu" and config.target == VERTEX:
        config.check_submit()
    task = tasks.load(config.task, config.settings, config.weights)
    early_checks.check_settings(task)
    startup.prepare()
    task, data, source = cloud_data.prepare(task, config)
    early_checks.check_network(task, download=False)
    task = cloud_data.for_accelerator(task, accelerator.device)
    if "://" not in config.serving_folder:
        # A folder that is also mounted here can be read before anything is submitted.
        served.check_room(
            config.serving_folder,
            task=task.name,
            classes=task.problem.names,
            target=task.problem.predicted_number,
        )

    from pipelines.cloud import beam as cloud_beam
    from pipelines.image_pipeline import create_pipeline

    pipeline = create_pipeline(
        task,
        config,
        data=data,
        source=source,
        platform=_platform(config, accelerator),
    )
    cloud_beam.assign(pipeline.components, config)
    parameters = _runtime_parameters(pipeline.components)
    _size_containers(pipeline.components, config, accelerator)
    job = _run_compiler(pipeline, config, parameters)
    _complete(job, config, parameters)
    _drive_reader(job)
    if config.spot:
        _train_again(job, config.target)
    if config.target == KUBEFLOW:
        from pipelines.cloud.kubeflow import kubernetes
        from pipelines.cloud.kubeflow import looks as kubeflow_looks

        kubeflow_looks.add(job["pipelineSpec"])
        kubernetes.set_environment(job, accelerator)
        _try_volumes(job, (config.serving_folder, config.folder))
        notifications.add(job, config)
        return Compiled(job, kubernetes.platform_spec(job, config, accelerator))
    notifications.add(job, config)
    return Compiled(job)


def _platform(config: CloudConfig, accelerator: Accelerator) -> Any:
    from pipelines.platforms import Platform, latest_blessed, latest_pushed

    if config.target == KUBEFLOW:
        return Platform(baseline=latest_pushed, draws=True, dashes=True)
    vertex = Platform(
        baseline=latest_blessed, after_push=_after_push(config), draws=True, dashes=True
    )
    if accelerator.device == "cpu":
        return vertex
    from pipelines.cloud.vertex.training import CustomJobTrainer, CustomJobTuner, custom_job

    return dataclasses.replace(
        vertex,
        trainer=CustomJobTrainer,
        training=custom_job(config, accelerator, "training"),
        tuner=CustomJobTuner,
        tuning=custom_job(config, accelerator, "tuning"),
    )


def _after_push(config: CloudConfig) -> Any:
    """Returns the factory of the step that registers and deploys; None if it is not requested."""
    if not config.model_registry:
        return None
    from components.vertex.deploy import VertexDeploy

    settings = vertex_serving.deployment(config).to_json()
    return lambda pushed: VertexDeploy(
        pushed_model=pushed,
        settings=settings,
        code_fingerprint=cache_keys.of_step(VertexDeploy),
    ).with_id("VertexDeploy")


def _runtime_parameters(nodes: list[Any]) -> dict[str, str]:
    """Makes the data's path and span runtime parameters; returns name → default."""
    from tfx.components.example_gen.component import FileBasedExampleGen
    from tfx.orchestration.data_types import RuntimeParameter

    (reader,) = (node for node in nodes if isinstance(node, FileBasedExampleGen))
    properties = reader.exec_properties
    defaults = {DATA_PATH: properties["input_base"]}
    properties["input_base"] = RuntimeParameter(DATA_PATH, ptype=str)
    # The reader stores the path from the first placeholder on as patterns.
    if re.search(r"\{(SPAN(:\d+)?|YYYY)\}", properties["input_config"]):
        defaults[DATA_SPAN] = _LATEST_SPAN
        properties["range_config"] = RuntimeParameter(DATA_SPAN, ptype=str)
    return defaults


def _size_containers(nodes: list[Any], config: CloudConfig, accelerator: Accelerator) -> None:
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.components.trainer.component import Trainer
    from tfx.components.tuner.component import Tuner
    from tfx.dsl.components.base.base_component import BaseComponent

    resources = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec
    for node in nodes:
        if not isinstance(node, BaseComponent):
            continue
        needs = resources()
        if config.cpu:
            needs.cpu_limit = _number(config.cpu, "--cpu", "")
            needs.resource_cpu_limit = config.cpu
        if config.memory:
            needs.memory_limit = _number(config.memory, "--memory", "G")
            needs.resource_memory_limit = config.memory
        if isinstance(node, Trainer | Tuner) and config.target == KUBEFLOW and accelerator.chips:
            needs.accelerator.type = needs.accelerator.resource_type = accelerator.resource
            needs.accelerator.count = accelerator.chips
            needs.accelerator.resource_count = str(accelerator.chips)
        if needs.ByteSize():
            node.platform_config = needs


def _number(value: str, option: str, unit: str) -> float:
    digits = value.removesuffix(unit)
    if not value.endswith(unit) or not digits.replace(".", "", 1).isdigit():
        example = f"4{unit}"
        raise BadInputError(f"{option} must look like {example}. Received: {value}")
    return float(digits)


def _run_compiler(pipeline: Any, config: CloudConfig, parameters: dict[str, str]) -> dict[str, Any]:
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    from components.report.artifacts import as_shown_by_platforms

    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=_images(config),
            default_commands=list(_ENTRY),
            use_pipeline_spec_2_1=True,
        )
    )
    job = runner.run(pipeline, parameter_values=parameters, write_out=False)
    return dict(as_shown_by_platforms(job))


def _images(config: CloudConfig) -> str | dict[str, str]:
    """Returns the image, or one per component if training has its own.

    On Vertex AI the CustomJob uses the training image; the step that waits for it uses the other.
    """
    image = config.image or ""
    if config.target == VERTEX or not config.training_image:
        return image
    return {
        "default_image_path": image,
        "Tuner": config.training_image,
        "Trainer": config.training_image,
    }


def _complete(job: dict[str, Any], config: CloudConfig, parameters: dict[str, str]) -> None:
    """Adds what TFX's compiler omits: defaults, and the job's own settings."""
    inputs = job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]
    for name, default in parameters.items():
        inputs[name]["defaultValue"] = default
    job.setdefault("labels", {}).update(config.labels)
    if config.service_account:
        job["serviceAccount"] = config.service_account
    if config.network:
        job["network"] = config.network
    if config.encryption_key:
        job["encryptionSpec"] = {"kmsKeyName": config.encryption_key}


def _drive_reader(job: dict[str, Any]) -> None:
    """Replaces TFX's driver by the project's."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    driver = executors["ImageExampleGen_executor"]["container"]["lifecycle"]["preCacheCheck"]
    driver["command"] = list(_DRIVER)


def _train_again(job: dict[str, Any], target: str) -> None:
    """Lets training and search restart after a machine was preempted."""
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    for name in ("Trainer", "Tuner"):
        if name in tasks:
            tasks[name]["retryPolicy"] = {
                "maxRetryCount": SPOT_RETRIES,
                "backoffDuration": "60s",
                "backoffFactor": 2.0,
                "backoffMaxDuration": _LONGEST_BACKOFF[target],
            }


def _try_volumes(job: dict[str, Any], folders: tuple[str, ...]) -> None:
    """Makes the first step check write access to the folders that later steps need."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    arguments = executors["DataFingerprint_executor"]["container"]["args"]
    for folder in folders:
        if folder.startswith("/"):
            arguments += ["--writable", folder]


def chosen_span(values: dict[str, Any], span: int) -> dict[str, str]:
    """Returns the runtime parameter that chooses a span.

    Raises:
      BadInputError: If the data's path has no span to choose.
    """
    if DATA_SPAN not in values:
        raise BadInputError("--span: the data's path has no {SPAN}; write it in --data.")
    if span < 0:
        raise BadInputError(f"--span must be 0 or more. Received: {span}")
    static = {"static_range": {"start_span_number": span, "end_span_number": span}}
    return {DATA_SPAN: json.dumps(static, sort_keys=True)}
