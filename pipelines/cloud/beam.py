"""Which Beam runner each component uses in the cloud, and with which options."""

from collections.abc import Iterable

from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from pipelines.cloud.platform_config import CloudConfig
from trainer_modules.engine.errors import BadInputError, did_you_mean

DIRECT, DATAFLOW = "direct", "dataflow"
_RUNNERS = (DIRECT, DATAFLOW)
# Beam's default DirectRunner would look for the Prism binary on the network first.
_IN_CONTAINER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
# Beam's worker processes unpickle code before they import TFX.
_WORKERS_IMPORT = "--beam_plugins=pipelines.cloud.worker"
# Components that TFX counts as Beam components but whose pipelines need no cluster.
_ALWAYS_DIRECT = ("ModelGate",)


def assign(nodes: Iterable[BaseNode], config: CloudConfig) -> None:
    """Gives every Beam component its runner's options.

    Raises:
      BadInputError: If `--beam-on` names no such component or runner, or Dataflow lacks a value.
    """
    beam = [node for node in nodes if isinstance(node.executor_spec, BeamExecutorSpec)]
    chosen = runners([node.id for node in beam], config)
    for node in beam:
        options = dataflow_options(config) if chosen[node.id] == DATAFLOW else direct(config)
        node.executor_spec.beam_pipeline_args = [*options, *config.beam.arguments]


def runners(components: list[str], config: CloudConfig) -> dict[str, str]:
    """Returns component → runner.

    Args:
      components: Ids of the Beam components.
      config: The runner of all, and those of single ones.

    Raises:
      BadInputError: If a component or runner is unknown.
    """
    if config.beam.runner not in _RUNNERS:
        raise BadInputError(f"--beam-runner {did_you_mean(config.beam.runner, _RUNNERS)}.")
    chosen = {name: DIRECT if name in _ALWAYS_DIRECT else config.beam.runner for name in components}
    for setting in config.beam.on:
        name, _, runner = setting.partition("=")
        if name not in chosen:
            raise BadInputError(f"--beam-on {setting}: '{name}' {did_you_mean(name, chosen)}.")
        if runner not in _RUNNERS:
            raise BadInputError(
                f"--beam-on {setting}: the runner {did_you_mean(runner, _RUNNERS)}."
            )
        chosen[name] = runner
    return chosen


def direct(config: CloudConfig) -> list[str]:
    """Returns the options to run inside the step's container."""
    workers = config.beam.workers
    if workers is None:
        workers = config.beam_workers_by_default
    if workers == 1:
        return [_IN_CONTAINER]
    return [
        _IN_CONTAINER,
        _WORKERS_IMPORT,
        "--direct_running_mode=multi_processing",
        f"--direct_num_workers={workers}",
    ]


def dataflow_options(config: CloudConfig) -> list[str]:
    """Returns the options of a Dataflow job whose workers run the project's image.

    Raises:
      BadInputError: If project, region or a gs:// pipeline root is missing.
    """
    place = config.dataflow
    root = config.storage.pipeline_root or ""
    missing = [
        f"--{name}"
        for name, value in (
            ("project", place.project),
            (place.region_options, place.region),
            ("pipeline-root gs://…", root.startswith("gs://")),
        )
        if not value
    ]
    if missing:
        raise BadInputError(f"Dataflow also needs: {', '.join(missing)}.")
    options = {
        "runner": "DataflowRunner",
        "project": place.project,
        "region": place.region,
        "temp_location": f"{config.artifacts_folder}/dataflow/temp",
        "staging_location": f"{config.artifacts_folder}/dataflow/staging",
        "worker_machine_type": config.beam.machine,
        "autoscaling_algorithm": "THROUGHPUT_BASED",
        "max_num_workers": config.beam.max_workers,
        # The image holds the SDK, the project and its dependencies: workers install nothing.
        "sdk_container_image": config.beam.image or config.container.image,
        "sdk_location": "container",
        "experiments": "use_runner_v2",
        "service_account_email": place.service_account,
        "dataflow_kms_key": place.encryption_key,
    }
    arguments = [f"--{name}={value}" for name, value in options.items() if value]
    arguments.append(_WORKERS_IMPORT)
    return arguments + [f"--labels={key}={value}" for key, value in place.labels]
