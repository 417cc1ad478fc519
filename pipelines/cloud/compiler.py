"""Compiles the DAG into jobs for Vertex AI and Kubeflow Pipelines.

The same input gives the same bytes. Values that may change at submission are runtime parameters:
the data's path, its span and the window if the path has one, and the pipeline root, which both
platforms accept by default.
"""

import json
import re
from typing import Any

from components.pusher import served
from pipelines import early_checks, startup, tasks
from pipelines.cloud import data as cloud_data
from pipelines.cloud import targets
from pipelines.cloud.accelerators import Accelerator
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.platform_config import CloudConfig
from pipelines.cloud.target import Target
from trainer_modules.engine.errors import BadInputError

DATA_PATH, DATA_SPAN, DATA_WINDOW = "data_path", "data_span", "data_window"
SPOT_RETRIES = 5
_LATEST_SPAN = '{"rolling_range": {"num_spans": 1}}'
# Starts TFX's executor with the adaptations that both platforms need.
_ENTRY = ("python", "-m", "pipelines.cloud.container")
_DRIVER = ("python", "-m", "pipelines.cloud.container_driver")


def compile_job(config: CloudConfig) -> Compiled:
    """Compiles the pipeline that `config` describes, for the platform that it is of.

    Raises:
      BadInputError: If something is missing, unknown or impossible.
    """
    target = targets.find(config.target)
    config.check_compile()
    accelerator = target.accelerator(config)
    task = tasks.load(config.work.task, config.work.settings, config.work.weights)
    early_checks.check_settings(task)
    startup.prepare()
    task, data, source = cloud_data.located(task, config.work)
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
        task, config, data=data, source=source, platform=target.nodes(config, accelerator)
    )
    cloud_beam.assign(pipeline.components, config)
    parameters = _runtime_parameters(pipeline.components)
    on_board = accelerator if target.trains_in_the_step else None
    _size_containers(pipeline.components, config, on_board)
    job = _run_compiler(pipeline, _images(config, target), parameters)
    _complete(job, parameters)
    _drive_reader(job)
    if config.accelerator.spot:
        _train_again(job, target.longest_backoff)
    return target.finish(job, config, accelerator)


def _runtime_parameters(nodes: list[Any]) -> dict[str, str]:
    """Makes the data's path, span and window runtime parameters; returns name → default."""
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
        defaults[DATA_WINDOW] = properties["window"]
        properties["window"] = RuntimeParameter(DATA_WINDOW, ptype=str)
    return defaults


def _size_containers(
    nodes: list[Any], config: CloudConfig, accelerator: Accelerator | None
) -> None:
    """Sets the resources of the steps; `accelerator` is what the training step itself needs."""
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.components.trainer.component import Trainer
    from tfx.components.tuner.component import Tuner
    from tfx.dsl.components.base.base_component import BaseComponent

    resources = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec
    for node in nodes:
        if not isinstance(node, BaseComponent):
            continue
        needs = resources()
        cpu, memory = config.container.cpu, config.container.memory
        if cpu:
            needs.cpu_limit = _number(cpu, "--cpu", "")
            needs.resource_cpu_limit = cpu
        if memory:
            needs.memory_limit = _number(memory, "--memory", "G")
            needs.resource_memory_limit = memory
        if isinstance(node, Trainer | Tuner) and accelerator and accelerator.chips:
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


def _run_compiler(
    pipeline: Any, images: str | dict[str, str], parameters: dict[str, str]
) -> dict[str, Any]:
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    from components.report.artifacts import as_shown_by_platforms

    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        config=kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=images,
            default_commands=list(_ENTRY),
            use_pipeline_spec_2_1=True,
        )
    )
    job = runner.run(pipeline, parameter_values=parameters, write_out=False)
    return dict(as_shown_by_platforms(job))


def _images(config: CloudConfig, target: Target) -> str | dict[str, str]:
    """Returns the image, or one per component if training has its own.

    Where training has a job of its own, that job uses the training image, and the step that waits
    for it the other.
    """
    image, training = config.container.image or "", config.container.training_image
    if not target.trains_in_the_step or not training:
        return image
    return {"default_image_path": image, "Tuner": training, "Trainer": training}


def _complete(job: dict[str, Any], parameters: dict[str, str]) -> None:
    """Adds the defaults of the runtime parameters, which TFX's compiler omits."""
    inputs = job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]
    for name, default in parameters.items():
        inputs[name]["defaultValue"] = default


def _drive_reader(job: dict[str, Any]) -> None:
    """Replaces TFX's driver by the project's."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    driver = executors["ImageExampleGen_executor"]["container"]["lifecycle"]["preCacheCheck"]
    driver["command"] = list(_DRIVER)


def _train_again(job: dict[str, Any], longest_backoff: str) -> None:
    """Lets training and search restart after a machine was preempted."""
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    for name in ("Trainer", "Tuner"):
        if name in tasks:
            tasks[name]["retryPolicy"] = {
                "maxRetryCount": SPOT_RETRIES,
                "backoffDuration": "60s",
                "backoffFactor": 2.0,
                "backoffMaxDuration": longest_backoff,
            }


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
