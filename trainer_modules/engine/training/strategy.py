"""The devices of a training: one setting chooses the device, which determines the strategy.

| found | strategy |
|---|---|
| TPU | TPUStrategy |
| `TF_CONFIG` with several workers | MultiWorkerMirroredStrategy |
| several GPUs | MirroredStrategy |
| one GPU, or the CPU | the default strategy |
"""

import json
import logging
import os
from dataclasses import dataclass
from typing import Any

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.task import Training

LOGICAL_CPUS = "TFX_VISION_LOGICAL_CPUS"
"""Environment variable for tests: mirror over that many logical CPU devices.

The devices must have been configured before TensorFlow touched any of them
(`tf.config.set_logical_device_configuration`); `mirror_cpus` does so in a fresh process.
"""

_log = logging.getLogger("tfx_vision")


@dataclass(frozen=True)
class Placement:
    """The devices of a run.

    Attributes:
      strategy: The `tf.distribute` strategy.
      device: `cpu`, `gpu` or `tpu`.
      replicas: Copies of the model that work on one global batch.
      workers: Processes that take part.
      is_chief: Whether this process writes logs, checkpoints and models.
      precision: Name of the Keras policy: `float32`, `mixed_float16` or `mixed_bfloat16`.
    """

    strategy: Any
    device: str
    replicas: int
    workers: int
    is_chief: bool
    precision: str

    @property
    def description(self) -> str:
        """A one-line description."""
        name = type(self.strategy).__name__
        # What TensorFlow calls these classes inside.
        name = {
            "_DefaultDistributionStrategy": "one device",
            "CollectiveAllReduceStrategy": "MultiWorkerMirroredStrategy",
            "TPUStrategyV2": "TPUStrategy",
        }.get(name, name)
        return f"{self.device}, {name}, replicas {self.replicas}, precision {self.precision}"


def choose(train: Training) -> Placement:
    """Returns the placement for `train.accelerator` on this machine.

    Raises:
      BadInputError: If the requested accelerator is not available; the message says what was tried.
    """
    import tensorflow as tf

    strategy: Any = None
    device = train.accelerator
    if device == "tpu" or (device == "auto" and _tpu_here()):
        strategy, device = _tpu(train.tpu), "tpu"
    gpus = [] if device in ("cpu", "tpu") else tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise BadInputError(
            "train.accelerator is gpu, but TensorFlow sees no GPU: "
            "tf.config.list_physical_devices() returned "
            f"{[d.name for d in tf.config.list_physical_devices()]}, CUDA_VISIBLE_DEVICES is "
            f"{os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}. Check `nvidia-smi` and that "
            "TensorFlow is installed with CUDA, or set train.accelerator=cpu."
        )
    if device == "auto":
        device = "gpu" if gpus else "cpu"
    if device == "cpu":
        _hide_gpus()
    if strategy is None:
        strategy = _mirrored(device, len(gpus))
    resolver = getattr(strategy, "cluster_resolver", None)
    multi_worker = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    workers = len(_workers()) if multi_worker else 1
    return Placement(
        strategy=strategy,
        device=device,
        replicas=strategy.num_replicas_in_sync,
        workers=workers,
        is_chief=not multi_worker or _is_chief(resolver),
        precision=_precision(train.precision, device),
    )


def _mirrored(device: str, gpus: int) -> Any:
    import tensorflow as tf

    if len(_workers()) > 1:
        return tf.distribute.MultiWorkerMirroredStrategy()
    if device == "gpu" and gpus > 1:
        return tf.distribute.MirroredStrategy()
    if device == "cpu" and os.environ.get(LOGICAL_CPUS):
        return mirror_cpus(int(os.environ[LOGICAL_CPUS]))
    return tf.distribute.get_strategy()


def mirror_cpus(count: int) -> Any:
    """Returns a MirroredStrategy over `count` logical CPU devices, for tests without GPUs.

    Raises:
      BadInputError: If TensorFlow already started with fewer logical devices.
    """
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    if not tf.config.get_logical_device_configuration(cpu):
        try:
            tf.config.set_logical_device_configuration(
                cpu, [tf.config.LogicalDeviceConfiguration()] * count
            )
        except RuntimeError as e:
            raise BadInputError(
                f"{LOGICAL_CPUS}={count} must take effect before TensorFlow starts: {e}"
            ) from e
    devices = tf.config.list_logical_devices("CPU")
    if len(devices) < count:
        raise BadInputError(
            f"{LOGICAL_CPUS} must be at most the {len(devices)} logical CPUs of this process. "
            f"Received: {count}"
        )
    return tf.distribute.MirroredStrategy(
        devices=[d.name.removeprefix("/device:") for d in devices[:count]],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def _workers() -> list[str]:
    cluster = _tf_config().get("cluster", {})
    return [w for role in ("chief", "worker") for w in cluster.get(role, [])]


def _tf_config() -> dict[str, Any]:
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text) if text else {}
    except ValueError as e:
        raise BadInputError(f"TF_CONFIG must be JSON. Received: {text!r}: {e}") from e
    if not isinstance(config, dict):
        raise BadInputError(f"TF_CONFIG must be a JSON object. Received: {text!r}")
    return config


def _is_chief(resolver: Any) -> bool:
    roles = _tf_config().get("cluster", {})
    if resolver.task_type == "chief":
        return True
    return resolver.task_type == "worker" and resolver.task_id == 0 and "chief" not in roles


def _tpu_here() -> bool:
    """Whether the machine has a TPU, judged by the variables that Google Cloud sets."""
    named = any(os.environ.get(v) for v in ("TPU_NAME", "TPU_WORKER_ID", "KUBE_GOOGLE_CLOUD_TPU"))
    return named or os.path.exists("/dev/accel0")


def _tpu(name: str) -> Any:
    import tensorflow as tf

    if len(_workers()) > 1:
        raise BadInputError(
            "train.accelerator is tpu, but TF_CONFIG lists several workers. Use one worker, or "
            "another accelerator."
        )
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name)
        if name != "local":
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        return tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise BadInputError(
            f"A TPU was asked for (train.accelerator={'tpu'}), but none was found. Tried: "
            f"TPUClusterResolver(tpu={name!r}) and initialize_tpu_system, which failed with "
            f"{type(e).__name__}: {reason}. On a TPU VM use train.tpu=local with tensorflow-tpu "
            "installed; elsewhere name the TPU with train.tpu=NAME, or set "
            "train.accelerator=auto."
        ) from e


def _hide_gpus() -> None:
    import tensorflow as tf

    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        # TensorFlow is already running with visible GPUs; the choice can no longer be applied.
        if tf.config.get_visible_devices("GPU"):
            raise BadInputError(
                "train.accelerator is cpu, but TensorFlow already started with GPUs. "
                "Set CUDA_VISIBLE_DEVICES=-1 for this process."
            ) from None


def _precision(asked: str, device: str) -> str:
    if asked != "auto":
        return asked
    return {"tpu": "mixed_bfloat16", "gpu": "mixed_float16", "cpu": "float32"}[device]
