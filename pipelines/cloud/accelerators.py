"""What to train on: one name becomes machine, accelerator and node settings.

The machine types are those of Vertex AI custom training
(https://cloud.google.com/vertex-ai/docs/training/configure-compute), the node labels those of
Google Kubernetes Engine (https://cloud.google.com/kubernetes-engine/docs/concepts/tpus).

TensorFlow drives TPUs up to v4 through its own runtime and newer ones through PJRT, which two
environment variables switch on; older ones refuse it
(https://cloud.google.com/vertex-ai/docs/training/training-with-tpu-vm#tensorflow-training,
https://cloud.google.com/tpu/docs/runtimes). The first of these pages also says that from v6e on
Vertex AI offers no training with TensorFlow; on GKE the second page has it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trainer_modules.engine.errors import BadInputError, did_you_mean

CPU = "cpu"

LIBTPU = "/lib/libtpu.so"
"""Where Google's pages want the driver, and where the TPU image has it."""

_NO_TENSORFLOW = (
    "Vertex AI does not support training with TensorFlow on TPU v6e and later "
    "(https://cloud.google.com/vertex-ai/docs/training/training-with-tpu-vm). Use "
    "tpu-v5e-{chips} there, or a GKE node pool with --target kubeflow."
)


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
      pjrt: Whether TensorFlow drives it through PJRT.
    """

    name: str
    device: str
    machine: str = ""
    type: str = ""
    count: int = 0
    topology: str = ""
    node: str = ""
    chips: int = 0
    pjrt: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What must be set where training runs, before TensorFlow starts."""
        if self.device != "tpu":
            return {}
        # The chips are local: skip the search on the network.
        values = {"TPU_NAME": "local"}
        if self.pjrt:
            values["NEXT_PLUGGABLE_DEVICE_USE_C_API"] = "true"
            values["TF_PLUGGABLE_DEVICE_LIBRARY_PATH"] = LIBTPU
        return values

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

# Only slices of one host: training uses the chips of its own machine.
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
            machine=machine and f"{machine}-{chips}t",
            topology=topology,
            node=node,
            chips=chips,
            pjrt=True,
        )
        for generation, machine, node in (
            ("v5e", "ct5lp-hightpu", "tpu-v5-lite-podslice"),
            ("v6e", "", "tpu-v6e-slice"),
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


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The accelerators that one platform offers.

    Attributes:
      where: Who does not offer the others, for messages.
      offers: Whether it has an accelerator; `cpu` always counts.
      refused: Beginning of a name → why there is none, with the number of chips as `{chips}`.
    """

    where: str
    offers: Callable[[Accelerator], bool]
    refused: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Returns every name that `--accelerator` takes; `:1` may be left out."""
        return [name for name, machine in _ALL.items() if self._has(machine)]

    def _has(self, accelerator: Accelerator) -> bool:
        return accelerator.device == CPU or self.offers(accelerator)

    def find(self, name: str) -> Accelerator:
        """Returns what a name stands for.

        Args:
          name: `cpu`, `nvidia-l4`, `nvidia-t4:2`, `tpu-v5e-8`, …

        Raises:
          BadInputError: If there is no such combination; the valid ones are listed.
        """
        full = f"{name}:1" if name in _GPUS else name
        if full not in _ALL:
            raise BadInputError(f"--accelerator {self._unknown(name)}")
        accelerator = _ALL[full]
        if self._has(accelerator):
            return accelerator
        for beginning, why in self.refused.items():
            if name.startswith(beginning):
                raise BadInputError(f"--accelerator {name}: {why.format(chips=accelerator.chips)}")
        raise BadInputError(
            f"--accelerator {name}: {self.where} do not offer it. It must be one of "
            f"{', '.join(self.names())}."
        )

    def _unknown(self, name: str) -> str:
        kind, _, count = name.partition(":")
        if kind in _GPUS:
            counts = ", ".join(str(number) for number in _GPUS[kind][2])
            return (
                f"{name}: the number of {kind} must be one of {counts}. Received: {count or 'none'}"
            )
        if kind in _ALL:
            return f"{name}: '{kind}' must not be followed by a number."
        return f"{did_you_mean(name, self.names())}."


VERTEX_AI = Catalogue(
    where="the machines of Vertex AI",
    offers=lambda accelerator: bool(accelerator.machine),
    refused={"tpu-v6e": _NO_TENSORFLOW},
)
KUBERNETES = Catalogue(where="Kubernetes nodes", offers=lambda accelerator: bool(accelerator.node))
