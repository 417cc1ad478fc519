"""Serving on Vertex AI: the options, and the settings of the compiled job."""

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.config import RunConfig
from trainer_modules.engine.errors import BadInputError

if TYPE_CHECKING:
    from components.vertex.settings import Deployment
    from pipelines.cloud.config import CloudConfig

# Vertex AI's bound on display names; in a filter quotes would end the name.
_NAME = re.compile(r'[^"\\\n]{1,128}')


@dataclass(frozen=True, kw_only=True)
class ServingConfig(RunConfig):
    """How Vertex AI registers and serves pushed models.

    Attributes:
      model_registry: Display name of the model in Vertex AI's Model Registry; None to leave the
        pushed model in its folder.
      serving_endpoint: Display name of the endpoint to deploy to, created if necessary; None to
        register only.
      traffic: Percentage of the endpoint's requests that the new version gets.
      keep_idle: How many earlier versions without traffic stay deployed.
      serving_image: Container to serve with; None for `image`.
      serving_machine: Machine type; None for the accelerator's own, or n1-standard-2.
      serving_accelerator: As `accelerator`, GPUs only.
      serving_replicas: Fewest and most machines, as `1` or `1:4`.
      serving_account: Service account of the container; None for Vertex AI's own.
    """

    model_registry: str | None = None
    serving_endpoint: str | None = None
    traffic: int = 100
    keep_idle: int = 0
    serving_image: str | None = None
    serving_machine: str | None = None
    serving_accelerator: str = "cpu"
    serving_replicas: str = "1"
    serving_account: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("model_registry", "serving_endpoint"):
            value = getattr(self, name)
            if value is not None and not _NAME.fullmatch(value):
                raise BadInputError(
                    f"--{name.replace('_', '-')} must be 1 to 128 characters without quotes. "
                    f"Received: {value!r}"
                )
        if self.serving_endpoint and not self.model_registry:
            raise BadInputError(
                f"--serving-endpoint {self.serving_endpoint}: an endpoint serves registered "
                "models, so --model-registry is required too."
            )
        if not 0 <= self.traffic <= 100:
            raise BadInputError(f"--traffic must be 0 to 100 (percent). Received: {self.traffic}")
        if self.keep_idle < 0:
            raise BadInputError(f"--keep-idle must be 0 or more. Received: {self.keep_idle}")
        self.replicas  # noqa: B018  (raises)

    @property
    def replicas(self) -> tuple[int, int]:
        """Fewest and most machines.

        Raises:
          BadInputError: If `serving_replicas` has the wrong form.
        """
        fewest, _, most = self.serving_replicas.partition(":")
        found = [int(part) if part.isdigit() else 0 for part in (fewest, most or fewest)]
        if not 1 <= found[0] <= found[1]:
            raise BadInputError(
                "--serving-replicas must be N or MIN:MAX, at least 1. Received: "
                f"{self.serving_replicas}"
            )
        return found[0], found[1]


def add_options(command: argparse.ArgumentParser) -> None:
    """Adds the options to a parser."""
    group = command.add_argument_group("serving on Vertex AI")
    group.add_argument("--model-registry", metavar="NAME", help="register pushed models as NAME")
    group.add_argument(
        "--serving-endpoint", metavar="NAME", help="deploy registered models to this endpoint"
    )
    group.add_argument(
        "--traffic",
        type=int,
        metavar="PERCENT",
        help="share of the traffic for a new version; default: 100",
    )
    group.add_argument("--keep-idle", type=int, metavar="N", help="idle versions to keep deployed")
    group.add_argument("--serving-image", metavar="IMAGE", help="default: --image")
    group.add_argument("--serving-machine", metavar="n1-standard-2")
    group.add_argument("--serving-accelerator", metavar="nvidia-t4|…")
    group.add_argument("--serving-replicas", metavar="MIN:MAX", help="default: 1")
    group.add_argument(
        "--serving-account", metavar="ACCOUNT", help="service account that the server runs as"
    )


def check(config: "CloudConfig") -> None:
    """Checks that the options are possible on the target.

    Raises:
      BadInputError: If not.
    """
    if not config.model_registry:
        return
    if config.target != "vertex":
        raise BadInputError(
            f"--model-registry {config.model_registry} belongs to Vertex AI, but the target is "
            f"{config.target}. On {config.target}, models are served from "
            f"{config.serving_folder}, which KServe and TensorFlow Serving read; or compile with "
            "--target vertex."
        )
    if not config.serving_folder.startswith("gs://"):
        raise BadInputError(
            f"--model-registry {config.model_registry}: Vertex AI reads models from gs://, but "
            f"they are pushed to {config.serving_folder}. Name a gs:// --serving-root."
        )
    config.check_submit()


def deployment(config: "CloudConfig") -> "Deployment":
    """Returns the settings of the step that registers and deploys; `config` is checked.

    Raises:
      BadInputError: If the accelerator cannot serve.
    """
    from components.vertex.settings import Deployment
    from pipelines.cloud import accelerators

    try:
        equipped = accelerators.find(config.serving_accelerator, "vertex")
    except BadInputError as error:
        raise BadInputError(f"For serving: {error}") from error
    if equipped.device == "tpu":
        raise BadInputError(
            f"--serving-accelerator {equipped.name}: the server runs only on CPUs and GPUs."
        )
    plain = {"machine": config.serving_machine or ""}
    if equipped.type:
        plain["machine"] = plain["machine"] or equipped.machine
    fewest, most = config.replicas
    return Deployment(
        project=config.project or "",
        region=config.region or "",
        address=config.endpoint or "",
        task=config.names.own,
        model=config.model_registry or "",
        image=config.serving_image or config.image or "",
        endpoint=config.serving_endpoint or "",
        traffic=config.traffic,
        keep_idle=config.keep_idle,
        **{name: value for name, value in plain.items() if value},
        min_replicas=fewest,
        max_replicas=most,
        accelerator=equipped.type,
        accelerator_count=equipped.count,
        service_account=config.serving_account or "",
        encryption_key=config.encryption_key or "",
        labels=dict(config.labels),
    )
