"""What to train on: one name becomes machine, accelerator and node settings.

The machine types are those of Vertex AI custom training
(https://cloud.google.com/vertex-ai/docs/training/configure-compute), the node labels those of
Google Kubernetes Engine (https://cloud.google.com/kubernetes-engine/docs/concepts/tpus).
"""

from dataclasses import dataclass

from pipelines.cloud_config import KUBEFLOW, VERTEX
from trainer_modules.engine.errors import BadInputError, did_you_mean

CPU = "cpu"


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """One way to equip the training machine.

    Attributes:
      name: As `--accelerator` takes it.
      device: `cpu`, `gpu` or `tpu`; becomes `train.accelerator` of the task.
      machine: Vertex AI's machine type; "" where Vertex AI has none.
      type: `AcceleratorType` of Vertex AI; "" where the machine type says it all.
      count: Accelerators of one machine, as Vertex AI counts them.
      topology: TPU topology, "" for none.
      node: Value of GKE's node label for the accelerator; "" where GKE has none.
      chips: What to ask Kubernetes for, of `resource`.
    """

    name: str
    device: str
    machine: str = ""
    type: str = ""
    count: int = 0
    topology: str = ""
    node: str = ""
    chips: int = 0

    @property
    def resource(self) -> str:
        """Kubernetes' name of what the node provides."""
        return {"gpu": "nvidia.com/gpu", "tpu": "google.com/tpu"}.get(self.device, "")

    @property
    def node_selector(self) -> dict[str, str]:
        """Labels of the GKE nodes that have it."""
        if self.device == "gpu":
            return {"cloud.google.com/gke-accelerator": self.node}
        if self.device == "tpu":
            return {
                "cloud.google.com/gke-tpu-accelerator": self.node,
                "cloud.google.com/gke-tpu-topology": self.topology,
            }
        return {}


# name → (Vertex AI's type, GKE's label, accelerators → machine type)
_GPUS: dict[str, tuple[str, str, dict[int, str]]] = {
    "nvidia-t4": (
        "NVIDIA_TESLA_T4",
        "nvidia-tesla-t4",
        {1: "n1-standard-8", 2: "n1-standard-16", 4: "n1-standard-32"},
    ),
    "nvidia-v100": (
        "NVIDIA_TESLA_V100",
        "nvidia-tesla-v100",
        {1: "n1-standard-8", 2: "n1-standard-16", 4: "n1-standard-32", 8: "n1-standard-64"},
    ),
    "nvidia-l4": (
        "NVIDIA_L4",
        "nvidia-l4",
        {1: "g2-standard-12", 2: "g2-standard-24", 4: "g2-standard-48", 8: "g2-standard-96"},
    ),
    "nvidia-a100": (
        "NVIDIA_TESLA_A100",
        "nvidia-tesla-a100",
        {count: f"a2-highgpu-{count}g" for count in (1, 2, 4, 8)} | {16: "a2-megagpu-16g"},
    ),
    "nvidia-a100-80gb": (
        "NVIDIA_A100_80GB",
        "nvidia-a100-80gb",
        {count: f"a2-ultragpu-{count}g" for count in (1, 2, 4, 8)},
    ),
    "nvidia-h100": (
        "NVIDIA_H100_80GB",
        "nvidia-h100-80gb",
        {count: f"a3-highgpu-{count}g" for count in (1, 2, 4, 8)},
    ),
}

# Slices of one host: training drives the chips of the machine it runs on.
_TPUS = (
    Accelerator(name="tpu-v2-8", device="tpu", machine="cloud-tpu", type="TPU_V2", count=8),
    Accelerator(
        name="tpu-v3-8",
        device="tpu",
        machine="cloud-tpu",
        type="TPU_V3",
        count=8,
        topology="2x2",
        node="tpu-v3-device",
        chips=4,
    ),
    *(
        Accelerator(
            name=f"tpu-{generation}-{chips}",
            device="tpu",
            machine=f"{machine}-{chips}t",
            topology=topology,
            node=node,
            chips=chips,
        )
        for generation, machine, node in (
            ("v5e", "ct5lp-hightpu", "tpu-v5-lite-podslice"),
            ("v6e", "ct6e-standard", "tpu-v6e-slice"),
        )
        for chips, topology in ((1, "1x1"), (4, "2x2"), (8, "2x4"))
    ),
)

_ALL: dict[str, Accelerator] = {
    CPU: Accelerator(name=CPU, device="cpu"),
    **{
        f"{name}:{count}": Accelerator(
            name=f"{name}:{count}",
            device="gpu",
            machine=machine,
            type=kind,
            count=count,
            node=node,
            chips=count,
        )
        for name, (kind, node, machines) in _GPUS.items()
        for count, machine in machines.items()
    },
    **{tpu.name: tpu for tpu in _TPUS},
}


def names(target: str) -> list[str]:
    """Returns every name that `--accelerator` takes for a target; `:1` may be left out."""
    return [name for name, found in _ALL.items() if _fits(found, target)]


def _fits(accelerator: Accelerator, target: str) -> bool:
    if accelerator.device == "cpu":
        return True
    return bool(accelerator.machine if target == VERTEX else accelerator.node)


def find(name: str, target: str, *, spot: bool = False, reservation: str = "") -> Accelerator:
    """Returns what a name stands for.

    Args:
      name: `cpu`, `nvidia-l4`, `nvidia-t4:2`, `tpu-v5e-8`, …
      target: `vertex` or `kubeflow`.
      spot: Whether spot machines were asked for.
      reservation: The reservation that was asked for; "" for none.

    Raises:
      BadInputError: If there is no such combination; the valid ones are listed.
    """
    full = f"{name}:1" if name in _GPUS else name
    if full not in _ALL:
        kind, _, count = name.partition(":")
        if kind in _GPUS:
            counts = ", ".join(str(number) for number in _GPUS[kind][2])
            raise BadInputError(
                f"--accelerator {name}: no machine has {count or 'none'} of {kind}; the number "
                f"must be one of {counts}."
            )
        if kind in _ALL:
            raise BadInputError(f"--accelerator {name}: '{kind}' takes no number after it.")
        raise BadInputError(f"--accelerator {did_you_mean(name, names(target))}.")
    found = _ALL[full]
    if not _fits(found, target):
        raise BadInputError(
            f"--accelerator {name}: {'Kubernetes nodes' if target == KUBEFLOW else 'Vertex AI'} "
            f"do not come with it. It must be one of {', '.join(names(target))}."
        )
    if spot and reservation:
        raise BadInputError("--spot and --reservation exclude each other: choose one.")
    if found.device == "cpu" and (spot or reservation) and target == VERTEX:
        raise BadInputError(
            "--spot and --reservation are for training machines: name one with --accelerator."
        )
    return found
