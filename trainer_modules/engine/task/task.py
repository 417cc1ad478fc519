"""A task as data: its source, input, problem, model, training and gates.

Everything here is a frozen dataclass, so that a whole task can be passed as JSON to Transform,
Trainer and a compiled job, and `--set phases.0.epochs=2` can change any value of it. Nothing here
imports TensorFlow.
"""

from dataclasses import dataclass, field, fields

from trainer_modules.engine.inputs.columns import Columns
from trainer_modules.engine.inputs.images import Images
from trainer_modules.engine.limits import check_choice, check_number
from trainer_modules.engine.problems import Problem
from trainer_modules.engine.task.display import Display as Display
from trainer_modules.engine.task.drift import Drift as Drift
from trainer_modules.engine.task.gates import BetterThanChance, Gate
from trainer_modules.engine.task.hyperparameters import Hyperparameter
from trainer_modules.engine.task.layers import Layer
from trainer_modules.engine.task.learning_rates import Schedule
from trainer_modules.engine.task.recipe import Augment as Augment
from trainer_modules.engine.task.recipe import EarlyStopping as EarlyStopping
from trainer_modules.engine.task.recipe import Optimizer as Optimizer
from trainer_modules.engine.task.recipe import ReduceOnPlateau as ReduceOnPlateau
from trainer_modules.engine.task.recipe import Training
from trainer_modules.engine.task.saved_network import SavedNetwork as SavedNetwork
from trainer_modules.engine.task.sources import Source
from trainer_modules.engine.task.submission import Submission as Submission


@dataclass(frozen=True, kw_only=True)
class Network:
    """A plain stack of layers from the scaled input to the features.

    The problem adds the last layer (softmax, sigmoid, linear).

    Attributes:
      layers: The layers, in order.
    """

    layers: tuple[Layer, ...] = ()


SCALINGS = ("auto", "unit", "tf", "torch", "caffe", "raw")
"""What `Backbone.scaling` may be."""


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A `keras.applications` network without its classifier, with a new head.

    Attributes:
      name: Class name in `keras.applications`, for example `MobileNetV2`.
      head: Layers between the base and the problem's last layer.
      weights: `imagenet`, `none`, or a path to a weights file or SavedModel of the base.
      alpha: Width multiplier of the MobileNets; other networks reject it.
      include_top: Keep the published classifier (task `imagenet`); then `head` is empty.
      stem: Layers between the images (RGB, 0..255) and the base's own scaling; they are always
        trainable.
      batch_norm_momentum: Fraction of the moving mean and variance that a training step keeps in
        the base's BatchNormalization, in [0, 1); None for the published network's own. The
        MobileNets keep 0.999: short trainings from scratch end before these averages have settled.
      scaling: The input range of the base: `auto` (what `name` expects), `unit` (0..1), `tf`
        (-1..1), `torch` (0..1, standardised with ImageNet's figures), `caffe` (BGR minus ImageNet's
        means) or `raw` (0..255). Custom weights may need another scaling than `name`.
    """

    name: str
    head: tuple[Layer, ...] = ()
    weights: str = "imagenet"
    alpha: float | None = None
    include_top: bool = False
    stem: tuple[Layer, ...] = ()
    batch_norm_momentum: float | None = None
    scaling: str = "auto"

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, above=0)
        _check_momentum(self.batch_norm_momentum)
        check_choice("scaling", self.scaling, SCALINGS)


@dataclass(frozen=True, kw_only=True)
class EncoderDecoder:
    """A U-Net-like decoder over a `keras.applications` encoder, for segmentation.

    Attributes:
      name: The encoder's class name in `keras.applications`.
      weights: As in `Backbone`.
      alpha: As in `Backbone`.
      filters: Channels of the decoder's steps, deepest first.
      batch_norm_momentum: As in `Backbone`; the decoder has its own.
      scaling: As in `Backbone`.
    """

    name: str = "MobileNetV2"
    weights: str = "imagenet"
    alpha: float | None = None
    filters: tuple[int, ...] = (256, 128, 64, 32)
    batch_norm_momentum: float | None = None
    scaling: str = "auto"

    def __post_init__(self) -> None:
        check_number("alpha", self.alpha, above=0)
        _check_momentum(self.batch_norm_momentum)
        check_choice("scaling", self.scaling, SCALINGS)


def _check_momentum(momentum: float | None) -> None:
    if momentum is not None and not 0 <= momentum < 1:
        raise ValueError(f"batch_norm_momentum must be in [0, 1). Received: {momentum}")


Model = Network | Backbone | EncoderDecoder | SavedNetwork


@dataclass(frozen=True)
class Last:
    """The last layers of the base are trainable, and the head.

    Attributes:
      layers: How many of them.
    """

    layers: int

    def __post_init__(self) -> None:
        check_number("the layers of Last", self.layers, least=1)


@dataclass(frozen=True)
class HeadOnly:
    """Only the head is trainable, not the base."""


@dataclass(frozen=True)
class Everything:
    """The whole network is trainable."""


Trainable = Last | HeadOnly | Everything


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of the training with its own trainable layers and optimiser.

    Attributes:
      epochs: Epochs of this phase; their numbers continue from the previous phase.
      learning_rate: A number, or a schedule over the phase's own steps.
      trainable: The trainable layers.
      freeze_batch_norm: Keep the base's BatchNormalization frozen and in inference mode.
      steps_per_epoch: Steps of one epoch; None for the whole training split once.
      validation_freq: Number of epochs between validations.
      validation_fraction: Fraction of the evaluation split to validate on while training, in
        (0, 1].
    """

    epochs: int
    learning_rate: float | Schedule = 1e-3
    trainable: Trainable = Everything()
    freeze_batch_norm: bool = True
    steps_per_epoch: int | None = None
    validation_freq: int = 1
    validation_fraction: float = 1.0

    def __post_init__(self) -> None:
        for name in ("epochs", "steps_per_epoch", "validation_freq"):
            check_number(name, getattr(self, name), least=1)
        if not isinstance(self.learning_rate, Schedule):
            check_number("learning_rate", self.learning_rate, above=0)
        check_number("validation_fraction", self.validation_fraction, above=0, most=1)


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The checks of the exported model, in a separate process, before it is pushed.

    Attributes:
      max_latency_ms: Ceiling of the median time of a call with one instance, in milliseconds, on
        the machine that runs the pipeline; None for none.
      samples: How many evaluated examples are sent through the model.
      tolerance: Largest difference from Evaluator's values, relative to the largest value of the
        checked examples where that is above 1.
      formats: Further formats to export a pushed model to: `tflite`, `tflite_int8`, `onnx`.
    """

    max_latency_ms: float | None = None
    samples: int = 16
    tolerance: float = 1e-5
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.formats:
            check_choice("formats", name, ("tflite", "tflite_int8", "onnx"))
        check_number("samples", self.samples, least=1)
        check_number("max_latency_ms", self.max_latency_ms, above=0)
        check_number("tolerance", self.tolerance, least=0)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The part of a task that decides what its network becomes, given the data.

    Trainer and Tuner receive it and nothing else, so that they run again only for what they read.

    Attributes:
      name: The module's name; runs and served models are stored under it.
      input: What the model is given: images of a size, or columns of a table.
      problem: The kind of problem; owns labels, loss, metrics and the form of a prediction.
      model: The network.
      phases: Parts of the training, in order.
      train: Settings of the training as a whole.
    """

    name: str
    input: Images | Columns
    problem: Problem
    model: Model
    phases: tuple[Phase, ...]
    train: Training = field(default_factory=Training)

    @property
    def module(self) -> str:
        """Name of the task's module and schema: a variant `mnist-b` belongs to `mnist`."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Task(Recipe):
    """A complete image (or table) workload: a recipe, its data, and what is asked of the result.

    Attributes:
      source: The layout and location of the data.
      gates: Conditions for blessing the model; () blesses every model.
      slices: Raw features to slice the evaluation by.
      alternatives: Other accepted layouts of `--data`, tried in order after `source`.
      serving: Conditions on serving before the model is pushed.
      search: The settings that `--tune` varies; () derives it from the recipe, see
        `engine/training/search.py`.
      submission: Form of the predictions for the `unlabelled` split.
      display: Display names of classes, and other settings of how results are shown.
      drift: Limits above which the newest examples differ too much from those before them.
    """

    source: Source
    gates: tuple[Gate, ...] = (BetterThanChance(),)
    slices: tuple[str, ...] = ()
    alternatives: tuple[Source, ...] = ()
    serving: Serving = field(default_factory=Serving)
    search: tuple[Hyperparameter, ...] = ()
    submission: Submission = field(default_factory=Submission)
    display: Display = field(default_factory=Display)
    drift: Drift = field(default_factory=Drift)

    def __post_init__(self) -> None:
        # An `image_folder` knows its classes only when it sees the data.
        if self.problem.names:
            self.display.check(self.problem.names)

    @property
    def recipe(self) -> Recipe:
        """The part that Trainer and Tuner read."""
        return Recipe(**{f.name: getattr(self, f.name) for f in fields(Recipe)})
