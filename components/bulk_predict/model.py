"""A SavedModel that predicts batches and tolerates images that cannot be decoded."""

import os
import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

from components.bulk_predict.inputs import Entry
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.problems.segmentation import CLASS_MAPS

T = TypeVar("T")
_VALUES = 16_000_000  # of the batch's pixels, as in evaluation
_LARGEST, _DEFAULT = 256, 32
IMAGE_INPUT = "image_bytes"
_CLASSES = "assets/classes.txt"
_CLASS_IDS = "assets/class_ids.txt"
_TASK = "assets/task.json"


def version_folder(folder: str) -> str:
    """Returns the SavedModel that `folder` names: itself, or its highest numbered version.

    Raises:
      BadInputError: If there is none.
    """
    import tensorflow as tf

    if tf.io.gfile.exists(os.path.join(folder, "saved_model.pb")):
        return folder
    names = tf.io.gfile.listdir(folder) if tf.io.gfile.isdir(folder) else []
    versions = sorted(int(n.rstrip("/")) for n in names if n.rstrip("/").isdigit())
    for version in reversed(versions):
        if tf.io.gfile.exists(os.path.join(folder, str(version), "saved_model.pb")):
            return os.path.join(folder, str(version))
    raise BadInputError(
        "--model must be a folder that contains a saved_model.pb or numbered versions of a "
        f"SavedModel, as Pusher writes them to <root>/serving/<task>. Received: {folder}"
    )


def classes(folder: str) -> tuple[str, ...]:
    """Returns the class names that the SavedModel carries; () if it carries none."""
    return _lines(os.path.join(folder, _CLASSES))


def class_ids(folder: str) -> tuple[str, ...]:
    """Returns the ids of the classes, where the SavedModel carries them besides their names."""
    return _lines(os.path.join(folder, _CLASS_IDS))


def _lines(path: str) -> tuple[str, ...]:
    import tensorflow as tf

    if not tf.io.gfile.exists(path):
        return ()
    with tf.io.gfile.GFile(path) as f:
        return tuple(f.read().splitlines())


def task(folder: str) -> Any:
    """Returns the `Task` that the SavedModel carries, or None.

    Raises:
      BadInputError: If it was written in a form that this version cannot read.
    """
    import tensorflow as tf

    from trainer_modules.engine.errors import BadInputError
    from trainer_modules.engine.task import overrides

    path = os.path.join(folder, _TASK)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path) as f:
        text = f.read()
    try:
        return overrides.from_json(text)
    except BadInputError as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error


def batch_size(folder: str) -> int:
    """Returns how many instances fit in a batch, by the size that the model brings images to."""
    found = task(folder)
    if found is None:
        return _DEFAULT
    if found.image is None:
        return _LARGEST
    values = found.image.height * found.image.width * found.image.channels
    return max(1, min(_LARGEST, _VALUES // values))


class Predictor:
    """A loaded SavedModel and its signature `serving_default`.

    Attributes:
      inputs: Names of the signature's inputs, in the order of the task's columns.
      outputs: Names of its outputs.
    """

    def __init__(self, folder: str) -> None:
        import tensorflow as tf

        try:
            # Keeps the variables alive, which a signature alone does not.
            self._model = tf.saved_model.load(folder)
            self._serve = self._model.signatures["serving_default"]
        except (OSError, tf.errors.OpError, KeyError, ValueError) as e:
            raise BadInputError(
                f"--model {folder} cannot be loaded: {str(e).splitlines()[0]}"
            ) from e
        taken = list(self._serve.structured_input_signature[1])
        columns = getattr(getattr(task(folder), "problem", None), "features", None)
        self.inputs: tuple[str, ...] = tuple(columns or taken)
        self.outputs: tuple[str, ...] = tuple(self._serve.structured_outputs)

    @property
    def columns(self) -> tuple[str, ...]:
        """The feature columns of a model of tables; () for a model of images."""
        return () if self.inputs == (IMAGE_INPUT,) else self.inputs

    def call(self, contents: list[Any]) -> dict[str, Any]:
        """Predicts a batch: encoded images, or rows of numbers → NumPy arrays `[batch, …]`."""
        import tensorflow as tf

        if not self.columns:
            inputs = {IMAGE_INPUT: tf.constant(contents, tf.string)}
        else:
            by_column = zip(self.inputs, zip(*contents, strict=True), strict=True)
            inputs = {name: tf.constant(values, tf.float32) for name, values in by_column}
        return {name: value.numpy() for name, value in self._serve(**inputs).items()}

    def class_maps(self, content: bytes, indices: list[int]) -> list[bytes]:
        """Returns the probability of classes in one image, a grey PNG for each of `indices`."""
        import tensorflow as tf

        serve = self._model.signatures[CLASS_MAPS]
        found = serve(image_bytes=tf.constant([content]), classes=tf.constant(indices, tf.int32))
        return list(found["maps_png"].numpy()[0])

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
        answered = iter(self._halving(good))
        return [next(answered) if not entry.error else (entry, {}) for entry in entries]

    def _halving(self, entries: list[Entry]) -> list[tuple[Entry, dict[str, Any]]]:
        """Predicts the batch, or its halves if that fails, so that one bad image costs little."""
        import tensorflow as tf

        if not entries:
            return []
        try:
            outputs = self.call([entry.content for entry in entries])
        except tf.errors.OpError as e:
            if len(entries) == 1:
                one = entries[0]
                return [(Entry(one.id, None, f"cannot be decoded: {reason(e)}", one.true), {})]
            half = len(entries) // 2
            return self._halving(entries[:half]) + self._halving(entries[half:])
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


def ahead(items: Iterator[T], count: int = 2) -> Iterator[T]:
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
