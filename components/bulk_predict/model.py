"""A SavedModel that predicts batches and tolerates images that cannot be decoded."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

from components.bulk_predict.inputs import Entry
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.problems.segmentation import CLASS_MAPS
from trainer_modules.engine.saved_model import read
from trainer_modules.engine.saved_model.read import SavedModel
from trainer_modules.engine.signatures import IMAGE_INPUT

T = TypeVar("T")
_VALUES = 16_000_000  # of the batch's inputs, as in evaluation
_LARGEST, _DEFAULT = 256, 32


def batch_size(folder: str) -> int:
    """Returns how many instances fit in a batch, by the size of the network's input."""
    trained = read.task(folder)
    if trained is None:
        return _DEFAULT
    return max(1, min(_LARGEST, _VALUES // trained.input.values))


class Predictor:
    """A loaded SavedModel and its signature `serving_default`.

    Attributes:
      inputs: Names of the signature's inputs, in the order of the task's columns.
      outputs: Names of its outputs.
    """

    def __init__(self, folder: str) -> None:
        self._model = SavedModel(folder)
        # A signature lists its inputs by name; a table's rows are in the order of the task.
        task = read.task(folder)
        self.inputs: tuple[str, ...] = tuple(task.input.served if task else self._model.inputs())
        self.outputs = self._model.outputs()

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns of a model of tables; () for a model of images."""
        return () if self.inputs == (IMAGE_INPUT,) else self.inputs

    def call(self, contents: list[Any]) -> dict[str, Any]:
        """Predicts a batch: encoded images, or rows of numbers → NumPy arrays `[batch, …]`."""
        if not self.columns:
            return self._model.call({IMAGE_INPUT: contents})
        return self._model.call(dict(zip(self.inputs, zip(*contents, strict=True), strict=True)))

    def class_maps(self, content: bytes, indices: list[int]) -> list[bytes]:
        """Returns the probability of classes in one image, a grey PNG for each of `indices`."""
        drawn = self._model.call({IMAGE_INPUT: [content], "classes": indices}, CLASS_MAPS)
        return list(drawn["maps_png"][0])

    def check_maps(self, maps: tuple[str, ...], names: tuple[str, ...]) -> None:
        """Checks that the model can draw heat maps of the classes `maps`.

        Args:
          maps: Names of classes; () asks for nothing.
          names: The model's classes.

        Raises:
          BadInputError: If it cannot, or a name is not one of its classes.
        """
        if maps and "mask_png" not in self.outputs:
            raise BadInputError(
                "--maps: this model does not predict masks, so it has no heat maps."
            )
        if maps and CLASS_MAPS not in self._model.signatures:
            raise BadInputError(
                "--maps: this model was exported by a version without heat maps. Run its task "
                "again to export it with them."
            )
        for label in maps:
            if label not in names:
                raise BadInputError(f"--maps {did_you_mean(label, names)}.")

    def predict(self, entries: list[Entry]) -> list[tuple[Entry, dict[str, Any]]]:
        """Predicts entries; those that the model refuses come back with an error, in place."""
        good = [entry for entry in entries if not entry.error]
        answered = iter(self._predict_in_halves(good))
        return [next(answered) if not entry.error else (entry, {}) for entry in entries]

    def _predict_in_halves(self, entries: list[Entry]) -> list[tuple[Entry, dict[str, Any]]]:
        """Predicts the batch, or its halves if that fails, so that one bad image costs little."""
        import tensorflow as tf

        if not entries:
            return []
        try:
            outputs = self.call([entry.content for entry in entries])
        except tf.errors.OpError as e:
            if len(entries) == 1:
                alone = entries[0]
                return [(Entry(alone.id, None, f"cannot be decoded: {reason(e)}", alone.true), {})]
            half = len(entries) // 2
            return self._predict_in_halves(entries[:half]) + self._predict_in_halves(entries[half:])
        return [
            (entry, {name: value[i] for name, value in outputs.items()})
            for i, entry in enumerate(entries)
        ]


def reason(error: Any) -> str:
    """Returns the essential part of a TensorFlow error: the text before the graph node's name."""
    before = str(error.message).split("[[{{")[0]
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    text = lines[-1] if lines else type(error).__name__
    return text.removeprefix("assertion failed: ").strip("[]")


def batches(entries: Iterator[Entry], size: int) -> Iterator[list[Entry]]:
    """Groups entries into lists of `size`; the last may be shorter."""
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def prefetched(items: Iterator[T], count: int = 2) -> Iterator[T]:
    """Yields `items`, prefetching up to `count` in a thread to hide the time of reading."""
    ready: queue.Queue[Any] = queue.Queue(count)
    stop, done = threading.Event(), object()

    def put(item: Any) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def fill() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(done)
        except BaseException as e:
            put(e)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not done:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
