"""The settings of registration and deployment, as plain values in the compiled job."""

import dataclasses
import json
import re
from dataclasses import dataclass, field

# Vertex AI's own images for SavedModels are preconfigured for the model's location and protocol.
_PREBUILT = re.compile(r"(us|europe|asia)-docker\.pkg\.dev/vertex-ai/prediction/")
PORT = 8080


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One model in the registry, and the endpoint that serves it.

    Attributes:
      project: Google Cloud project.
      region: Google Cloud region.
      address: Address of the API in place of the region's own; "" for that.
      task: The task; its name is the name of the model in the serving protocol.
      model: Display name in the Model Registry.
      image: Container to serve with: this project's, or one of Vertex AI's prebuilt ones.
      endpoint: Display name of the endpoint; "" to register only.
      traffic: Percentage of the endpoint's requests for the new version, 0 to 100.
      keep_idle: How many earlier versions without traffic stay deployed.
      machine: Machine type.
      min_replicas: Fewest machines.
      max_replicas: Most machines.
      accelerator: Vertex AI's `AcceleratorType`; "" for none.
      accelerator_count: Accelerators of each machine.
      service_account: Account that the container runs as; "" for Vertex AI's own.
      encryption_key: Cloud KMS key; "" for Google's own.
      labels: Labels of the created resources, besides `task`, `pushed-version` and `run`.
    """

    project: str
    region: str
    address: str = ""
    task: str
    model: str
    image: str
    endpoint: str = ""
    traffic: int = 100
    keep_idle: int = 0
    machine: str = "n1-standard-2"
    min_replicas: int = 1
    max_replicas: int = 1
    accelerator: str = ""
    accelerator_count: int = 0
    service_account: str = ""
    encryption_key: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def parent(self) -> str:
        """The place in resource names."""
        return f"projects/{self.project}/locations/{self.region}"

    @property
    def prebuilt(self) -> bool:
        """Whether the image is one of Vertex AI's own."""
        return bool(_PREBUILT.match(self.image))

    def to_json(self) -> str:
        """Returns the settings as JSON, the same for the same settings."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Deployment":
        """The inverse of `to_json`."""
        return cls(**json.loads(text))


def identifier(name: str, kind: str) -> str:
    """Returns a display name as an id: at most 63 of a-z, 0-9 and `-`, a letter first.

    A deterministic id makes a repeated request create the resource only once.
    """
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return (text if text[:1].isalpha() else f"{kind}-{text}")[:63].rstrip("-")
