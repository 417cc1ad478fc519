"""What a kind of problem must answer: the contract between a kind and everything else.

A problem is a frozen dataclass, part of the task, stored as JSON with it. Its methods follow the
way of a label, from the raw record to the report. Nothing outside this package asks which kind a
problem is. TensorFlow is imported inside the methods that need it, because command lines and
ExampleGen's launcher read tasks without it.
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from trainer_modules.engine.problems.continuation import Continuation, by_name
from trainer_modules.engine.problems.labels import Labels
from trainer_modules.engine.problems.measures import Measure, Shown
from trainer_modules.engine.problems.tally import Tally


class Problem(Labels):
    """One kind of problem: its labels, last layer, loss, metrics and predictions.

    Shapes are written for a batch: `[batch]` is one value for each example. The last layer's
    output, called `outputs` below, is whatever the kind's own `output_layers` returns.

    Attributes:
      ids: Unique ids of the classes, in the order of `names`; () where the names are unique.
      colours: RGB of the classes, in the order of `names`; () where they have none of their own.
      answers_probabilities: Whether the outputs are probabilities along their last axis, and not
        plain numbers.
      competing: Whether the probabilities of an example sum to 1; otherwise each is independent of
        the others.
      settles: Whether something is chosen after the training, by `settled`.
      output_rank: Dimensions of the outputs, the batch included.
      smooths_labels: Whether `loss` can smooth labels; a setting that it cannot use is refused.
      monitor_is_error: Whether a lower `monitor` is better.
      measures: What its metrics mean, those of training and evaluation, overall and of a class; a
        metric that is missing is a fraction, the more the better.
      shown: Which metrics people see first.
    """

    ids: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    measures: ClassVar[Mapping[str, Measure]]
    shown: ClassVar[Shown]
    answers_probabilities: ClassVar[bool] = True
    competing: ClassVar[bool] = True
    settles: ClassVar[bool] = False
    output_rank: ClassVar[int] = 2
    smooths_labels: ClassVar[bool] = False
    monitor_is_error: ClassVar[bool] = False

    # What is learnt

    @property
    def title(self) -> str:
        """The kind's name, for messages."""
        return type(self).__name__

    @property
    @abc.abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the classes in the order of the outputs; () if there are no classes.

        They are also () while the classes are to be taken from the data (`takes_classes`).
        """

    @property
    def predicted_number(self) -> str:
        """Name of the number that is predicted; "" where none is."""
        return ""

    @property
    def takes_classes(self) -> bool:
        """Whether the classes are still to be taken from the data, see `with_classes`."""
        return False

    def with_classes(self, classes: tuple[str, ...]) -> "Problem":
        """Returns the problem with the classes of the data, if it left them open.

        Args:
          classes: Their names, in the order that the outputs get.

        Raises:
          ValueError: If the kind refuses these classes.
        """
        del classes
        return self

    def statistics_spec(self) -> dict[str, Any]:
        """Returns the spec of features in which Transform stores statistics of the label.

        Each is one float32, the same in every example; {} where the kind needs none.
        """
        return {}

    def fitted(self, statistics: dict[str, float]) -> "Problem":
        """Returns the problem with statistics of the training split, as the network learns it.

        Trainer and Tuner call it once, before they build a network; the served model carries it.

        Args:
          statistics: Values of `statistics_spec`.

        Raises:
          BadInputError: If the data cannot be learnt in this form.
        """
        del statistics
        return self

    # The network and its training

    @abc.abstractmethod
    def output_layers(self) -> list[Any]:
        """Returns the network's last layers, new ones, in order; float32 also in low precision."""

    @abc.abstractmethod
    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns the Keras loss of (`training_label`, outputs), batched.

        Args:
          label_smoothing: Fraction of the label that is spread over all classes, in [0, 1); kinds
            without class labels ignore it.
        """

    @abc.abstractmethod
    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`, named as in `measured`."""

    @property
    @abc.abstractmethod
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics, known without TensorFlow."""

    @property
    @abc.abstractmethod
    def monitor(self) -> str:
        """The main training metric, one of `measured`."""

    def continued(self, earlier: "Problem") -> Continuation | None:
        """Returns how the outputs go on from those of an earlier network; None where they cannot.

        Outputs that stand for classes go on by their names (ids, where there are some).

        Args:
          earlier: The problem that the earlier network was trained for.
        """
        if type(earlier) is not type(self):
            return None
        return by_name(self.ids or self.names, earlier.ids or earlier.names)

    # After the training

    def settled(self, outputs: Any, labels: Any) -> tuple["Problem", dict[str, Any]]:
        """Returns the problem with what it chooses on the validation examples; see `settles`.

        The model is served, evaluated and stored with the problem that this returns.

        Args:
          outputs: The exported network's outputs for them, NumPy, `[examples, …]`.
          labels: Their `training_label`s, NumPy, `[examples, …]`.

        Returns:
          The problem, and what was chosen, as JSON for `history.json` (`settled`).
        """
        del outputs, labels
        return self, {}

    # What is served

    @abc.abstractmethod
    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served: name → tensor `[batch, …]`, part of the SavedModel."""

    @property
    @abc.abstractmethod
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Name of each part of `served` → dtype (`float32`, `string`, …) and shape of one."""

    @property
    def submission_fields(self) -> dict[str, str]:
        """Form of the prediction in a `Submission` → its field in `bulk_predict.outputs`."""
        return {"name": "label", "number": "index"}

    def further_signatures(self, outputs_of: Callable[[Any], Any]) -> dict[str, Any]:
        """Returns signatures of a SavedModel of images besides `serving_default` and `examples`.

        Args:
          outputs_of: Encoded images, a string tensor `[batch]` → `outputs`.

        Returns:
          Name → `tf.function` with an input signature.
        """
        del outputs_of
        return {}

    # How it is judged

    @abc.abstractmethod
    def tally(self, *, names: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> Tally:
        """Returns an empty tally, which counts predictions and then says how good they are.

        Args:
          names: The classes of the model that predicts, where it knows others: an earlier model
            that the new one is compared with. () for `self.names`.
          only: Classes whose examples count, so that models of different classes are compared on
            what both know; () for all. Metrics that depend on the other classes are left out.
        """

    @abc.abstractmethod
    def truth(self, value: Any) -> Any:
        """Returns a raw label as the tally takes it.

        Args:
          value: `raw_label` of one raw Example, a NumPy array of one value.

        Raises:
          ValueError: If it is not one value.
        """

    @classmethod
    def of_metric(cls, name: str, config: dict[str, Any]) -> "Problem | None":
        """Returns the problem that a stored evaluation configuration means, if it is this kind's.

        Each kind once had a TFMA metric of its own; jobs that were compiled then still name it.

        Args:
          name: The metric's name.
          config: Its settings.
        """
        del name, config
        return None
