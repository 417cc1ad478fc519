"""How Vertex AI serves pushed models: the settings of the step that registers and deploys."""

from components.vertex.settings import Deployment
from pipelines.cloud import accelerators
from pipelines.cloud.vertex.config import VertexConfig
from trainer_modules.engine.errors import BadInputError


def settings(config: VertexConfig) -> Deployment:
    """Returns the settings of the step that registers and deploys; `config` is checked.

    Raises:
      BadInputError: If the accelerator cannot serve.
    """
    asked = config.deployment
    try:
        equipped = accelerators.VERTEX_AI.find(asked.accelerator)
    except BadInputError as error:
        raise BadInputError(f"For serving: {error}") from error
    if equipped.device == "tpu":
        raise BadInputError(
            f"--serving-accelerator {equipped.name}: the server runs only on CPUs and GPUs."
        )
    machine = asked.machine or (equipped.machine if equipped.type else "")
    fewest, most = asked.machines
    return Deployment(
        project=config.google.project or "",
        region=config.google.region or "",
        address=config.google.endpoint or "",
        task=config.names.own,
        model=asked.model_registry or "",
        image=asked.image or config.container.image or "",
        endpoint=asked.endpoint or "",
        traffic=asked.traffic,
        keep_idle=asked.keep_idle,
        **({"machine": machine} if machine else {}),
        min_replicas=fewest,
        max_replicas=most,
        accelerator=equipped.type,
        accelerator_count=equipped.count,
        service_account=asked.account or "",
        encryption_key=config.google.encryption_key or "",
        labels=dict(config.google.labels),
    )
