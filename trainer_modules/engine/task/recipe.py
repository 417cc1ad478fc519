"""Training settings that apply to every phase, as data."""

from dataclasses import dataclass, field

from trainer_modules.engine.limits import check_choice, check_number


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """An optimiser of `tf_keras`, by name; a value of None keeps Keras' default.

    Attributes:
      name: `adam`, `rmsprop` or `sgd`.
      epsilon: Term in the denominator of Adam and RMSprop.
      momentum: Momentum of SGD and RMSprop.
    """

    name: str = "adam"
    epsilon: float | None = None
    momentum: float | None = None

    def __post_init__(self) -> None:
        check_choice("optimizer", self.name, ("adam", "rmsprop", "sgd"))
        check_number("epsilon", self.epsilon, above=0)
        check_number("momentum", self.momentum, least=0, below=1)


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random changes to training images; they are not part of the SavedModel.

    Attributes:
      flip: Mirror left and right, with probability one half.
      saturation: (low, high) factors of the colour saturation, or None.
      brightness: Largest shift as a fraction of the value range; 0 for none.
      rotation: Largest angle as a fraction of a full turn; 0 for none.
      zoom: Largest zoom in or out as a fraction; 0 for none.
      translation: Largest shift as a fraction of the size; 0 for none.
      contrast: Largest change of contrast as a fraction; 0 for none.
    """

    flip: bool = False
    saturation: tuple[float, float] | None = None
    brightness: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    translation: float = 0.0
    contrast: float = 0.0

    def __post_init__(self) -> None:
        for factor in self.saturation or ():
            check_number("saturation", factor, least=0)
        if self.saturation and self.saturation[0] > self.saturation[1]:
            raise ValueError(
                f"saturation must be (low, high) with low <= high. Received: {self.saturation}"
            )
        for name in ("brightness", "rotation", "translation", "contrast"):
            check_number(name, getattr(self, name), least=0, most=1)
        check_number("zoom", self.zoom, least=0, below=1)


@dataclass(frozen=True, kw_only=True)
class EarlyStopping:
    """Ends a phase when a metric no longer improves.

    Attributes:
      monitor: The training metric to watch; `val_` names the validation.
      patience: Validations without progress that are accepted.
      min_delta: The smallest improvement that counts.
    """

    monitor: str = "val_loss"
    patience: int = 3
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        check_number("patience", self.patience, least=0)
        check_number("min_delta", self.min_delta, least=0)


@dataclass(frozen=True, kw_only=True)
class ReduceOnPlateau:
    """Lowers the learning rate when a metric no longer improves.

    Attributes:
      monitor: As in `EarlyStopping`.
      factor: What the learning rate is multiplied by, in (0, 1).
      patience: Validations without progress before that.
      min_learning_rate: The learning rate is never lower.
    """

    monitor: str = "val_loss"
    factor: float = 0.1
    patience: int = 2
    min_learning_rate: float = 0.0

    def __post_init__(self) -> None:
        check_number("factor", self.factor, above=0, below=1)
        check_number("patience", self.patience, least=0)
        check_number("min_learning_rate", self.min_learning_rate, least=0)


@dataclass(frozen=True, kw_only=True)
class Warm:
    """How a training differs that starts from the last model (`--start champion`).

    Attributes:
      epochs: Fraction of each phase's epochs, in (0, 1]; at least one epoch remains.
      learning_rate: Factor of the learning rates, in (0, 1]. Where an output is new, and while the
        base is frozen, they stay what they are.
      head_epochs: Epochs with a frozen base in front, where outputs are new and the task has no
        such phase itself; 0 for none.
    """

    epochs: float = 0.2
    learning_rate: float = 0.5
    head_epochs: int = 1

    def __post_init__(self) -> None:
        check_number("epochs", self.epochs, above=0, most=1)
        check_number("learning_rate", self.learning_rate, above=0, most=1)
        check_number("head_epochs", self.head_epochs, least=0)


@dataclass(frozen=True, kw_only=True)
class Training:
    """Training settings that apply to every phase.

    Attributes:
      batch_size: Examples per replica and step; the global batch is this times the replicas.
      eval_batch_size: The same in evaluation; None for `batch_size`.
      optimizer: The optimiser of every phase.
      shuffle: 0 keeps one order in every epoch; other numbers shuffle, in blocks of so many
        examples where the records of a bucket are read anew.
      seed: Seed of weights, shuffling, augmentation and dropout.
      epochs: When set, replaces the epochs of every phase: a quick trial.
      steps_per_execution: Steps per call into the compiled train function; None chooses by the
        size of a batch and the device.
      augment: Random changes to training images.
      accelerator: `auto`, `cpu`, `gpu` or `tpu`.
      tpu: Name of the TPU for the resolver, or `local`.
      precision: `auto` (mixed on the accelerators it helps), `float32`, `mixed_float16`,
        `mixed_bfloat16`.
      xla: Compile the train step with XLA.
      deterministic: Bit-identical runs on CPU, at some cost in speed.
      best_metric: Metric whose best epoch's weights are exported; "" for the last epoch's.
      early_stopping: When to end a phase early; None for never.
      reduce_on_plateau: When to lower the learning rate; None for never.
      class_weights: `none`, or `balanced` (weights inverse to the class counts).
      label_smoothing: Fraction of the label mass spread over all classes, in [0, 1).
      cache_megabytes: Memory that decoded training images may take; more are decoded each epoch.
      warm: What is different when the training starts from the last model.
    """

    batch_size: int = 32
    eval_batch_size: int | None = None
    optimizer: Optimizer = field(default_factory=Optimizer)
    shuffle: int = 1000
    seed: int = 0
    epochs: int | None = None
    steps_per_execution: int | None = None
    augment: Augment = field(default_factory=Augment)
    accelerator: str = "auto"
    tpu: str = "local"
    precision: str = "auto"
    xla: bool = False
    deterministic: bool = False
    best_metric: str = ""
    early_stopping: EarlyStopping | None = None
    reduce_on_plateau: ReduceOnPlateau | None = None
    class_weights: str = "none"
    label_smoothing: float = 0.0
    cache_megabytes: int = 2048
    warm: Warm = field(default_factory=Warm)

    def __post_init__(self) -> None:
        for name in ("batch_size", "eval_batch_size", "epochs", "steps_per_execution"):
            check_number(name, getattr(self, name), least=1)
        for name in ("shuffle", "seed", "cache_megabytes"):
            check_number(name, getattr(self, name), least=0)
        check_number("label_smoothing", self.label_smoothing, least=0, below=1)
        check_choice("accelerator", self.accelerator, ("auto", "cpu", "gpu", "tpu"))
        check_choice(
            "precision", self.precision, ("auto", "float32", "mixed_float16", "mixed_bfloat16")
        )
        check_choice("class_weights", self.class_weights, ("none", "balanced"))
