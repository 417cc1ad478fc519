"""Node settings of a compiled pipeline, in the form of kfp-kubernetes."""

from typing import Any

from pipelines.cloud.accelerators import Accelerator
from pipelines.cloud.kubeflow.config import KubeflowConfig
from trainer_modules.engine.errors import BadInputError

_TRAINING = ("Trainer_executor", "Tuner_executor")


def platform_spec(
    job: dict[str, Any], config: KubeflowConfig, accelerator: Accelerator
) -> dict[str, Any] | None:
    """Returns the second document of Kubeflow's YAML; None if no settings are needed.

    Raises:
      BadInputError: If a volume or secret has the wrong form.
    """
    from google.protobuf import json_format

    volumes = [volume(value) for value in config.container.volumes]
    secrets = [secret(value) for value in config.container.secrets]
    executors = {}
    for name, executor in sorted(job["pipelineSpec"]["deploymentSpec"]["executors"].items()):
        if "container" not in executor:
            continue
        settings = _executor(volumes, secrets, accelerator if name in _TRAINING else None, config)
        if settings.ByteSize():
            executors[name] = json_format.MessageToDict(settings)
    if not executors:
        return None
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def set_environment(job: dict[str, Any], accelerator: Accelerator) -> None:
    """Sets the environment variables of the accelerator in the training containers."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"]
    for name in _TRAINING:
        if name in executors and accelerator.environment:
            variables = executors[name]["container"].setdefault("env", [])
            variables += [{"name": k, "value": v} for k, v in accelerator.environment.items()]


def _executor(
    volumes: list[tuple[str, str]],
    secrets: list[tuple[str, str, str]],
    accelerator: Accelerator | None,
    config: KubeflowConfig,
) -> Any:
    from kfp.kubernetes import kubernetes_executor_config_pb2 as settings_pb2

    settings = settings_pb2.KubernetesExecutorConfig()
    for claim, path in volumes:
        # Older versions of Kubeflow read the first field, newer ones the second.
        mount = settings_pb2.PvcMount(constant=claim, mount_path=path)
        mount.pvc_name_parameter.runtime_value.constant.string_value = claim
        settings.pvc_mount.append(mount)
    for secret, key, variable in secrets:
        variables = settings_pb2.SecretAsEnv(secret_name=secret)
        variables.secret_name_parameter.runtime_value.constant.string_value = secret
        variables.key_to_env.add(secret_key=key, env_var=variable)
        settings.secret_as_env.append(variables)
    if accelerator is None:
        return settings
    labels = dict(config.accelerator.node_selector) or accelerator.node_selector
    taints = [accelerator.resource] if accelerator.resource else []
    if config.accelerator.spot:
        labels = labels | {"cloud.google.com/gke-spot": "true"}
        taints.append("cloud.google.com/gke-spot")
    if config.accelerator.reservation:
        labels = labels | {"cloud.google.com/reservation-name": config.accelerator.reservation}
    settings.node_selector.labels.update(labels)
    for taint in taints:
        settings.tolerations.append(
            settings_pb2.Toleration(key=taint, operator="Exists", effect="NoSchedule")
        )
    return settings


def volume(value: str) -> tuple[str, str]:
    """Returns claim and path of one `--volume`.

    Raises:
      BadInputError: If it has the wrong form.
    """
    claim, _, path = value.partition("=")
    if not claim or not path.startswith("/"):
        raise BadInputError(f"--volume must be CLAIM=/PATH. Received: {value}")
    return claim, path


def secret(value: str) -> tuple[str, str, str]:
    """Returns name, key and variable of one `--secret`.

    Raises:
      BadInputError: If it has the wrong form.
    """
    where, _, variable = value.partition("=")
    name, _, key = where.partition(":")
    if not (name and key and variable):
        raise BadInputError(f"--secret must be SECRET:KEY=VARIABLE. Received: {value}")
    return name, key, variable
