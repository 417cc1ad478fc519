"""The models of a server: the newest version of each, replaced while requests continue.

A new version is loaded and tested in a separate thread, and replaces the old one by a single
assignment; requests in progress finish on the old version. A version that fails to load, for
example because it is still being copied, is retried as long as its files change, while the old one
keeps serving.

If the served version is taken away, as by a rollback, the newest one that is left replaces it. That
version stays in memory beside the served one, so that it need not be loaded then.
"""

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets, read, versions
from trainer_modules.engine.signatures import SERVING_DEFAULT

# A PNG of one grey pixel, to run a freshly loaded model once.
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c636800000082008177cd72b60000000049454e44ae426082"
)

_log = logging.getLogger("tfx_vision.serve")


class Version:
    """A loaded SavedModel.

    Attributes:
      name: The model's name.
      number: The version.
      signatures: Callable signatures by name.
      definitions: Their definitions, protobuf JSON as in TensorFlow Serving's metadata.
      classes: Class names, () where the model has none.
      files: Its files and their sizes when it was loaded.
    """

    files: Any = ()

    def __init__(self, name: str, number: int, folder: str) -> None:
        from google.protobuf import json_format

        self.name, self.number = name, number
        self._model = read.SavedModel(folder)
        self.signatures = self._model.signatures
        self.definitions: dict[str, Any] = {
            key: json_format.MessageToDict(
                definition,
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            for key, definition in read.definitions(folder).items()
            if key in self.signatures
        }
        self.classes = assets.classes(folder)
        self._warm_up()

    def is_still(self, found: versions.Version, files: Any) -> bool:
        """Says whether this is the version that was found, with the files that it has now."""
        return self.number == found.number and self.files == files

    def inputs(self, signature: str) -> dict[str, Any]:
        """Returns the inputs of a signature: name → TensorFlow dtype."""
        return self._model.inputs(signature)

    def call(self, signature: str, inputs: dict[str, list[Any]]) -> dict[str, np.ndarray]:
        """Predicts a batch: lists of bytes or numbers → arrays `[batch, …]`.

        Raises:
          tf.errors.OpError: If the model rejects the input.
        """
        return self._model.call(inputs, signature)

    def _warm_up(self) -> None:
        """Calls the model once, since the first call is slower than the others."""
        import tensorflow as tf

        dtypes = self.inputs(SERVING_DEFAULT)
        try:
            values = {n: [_PIXEL if d == tf.string else 0] for n, d in dtypes.items()}
            self.call(SERVING_DEFAULT, values)
        except tf.errors.OpError as e:
            # A model with other string inputs may reject it, which is harmless.
            _log.info("%s version %d: not warmed up: %s", self.name, self.number, e.message)


@dataclass
class Served:
    """One model and its newest version that loads.

    Attributes:
      name: Its name in addresses.
      folder: Holds numbered versions; or is one version itself, as Vertex AI hands a model over,
        and then version 1 unless its name is a number.
      current: The version being served; None before the first version is loaded.
      standby: The version before, in memory in case the served one is taken away; else None.
      keeps_standby: Whether to keep one; it takes as much memory as the served version.
      failures: Version number → why it does not load.
    """

    name: str
    folder: str
    current: Version | None = None
    standby: Version | None = None
    keeps_standby: bool = True
    failures: dict[int, str] = field(default_factory=dict)
    _tried: dict[int, Any] = field(default_factory=dict, repr=False)

    def refresh(self) -> bool:
        """Serves the newest version there is, loaded if need be; returns whether it is another.

        Errors of versions are in `failures`, and the previous version keeps serving, also if
        nothing is left of the model.

        Raises:
          BadInputError: If the folder may not be read.
        """
        for newer in versions.newest_first(self.folder):
            if self.current is not None and newer.number == self.current.number:
                return False
            version = self._ready(newer)
            if version is not None:
                self.current, self.standby = version, self.current if self.keeps_standby else None
                _log.info("%s version %d serves", self.name, version.number)
                return True
        return False

    def prepare(self) -> None:
        """Loads the version that a rollback would serve, unless it is in memory already.

        Raises:
          BadInputError: If the folder may not be read.
        """
        if self.current is None or not self.keeps_standby:
            return
        for older in versions.newest_first(self.folder):
            if older.number >= self.current.number:
                continue
            if self.standby is not None and self.standby.number == older.number:
                return
            standby = self._ready(older)
            if standby is not None:
                self.standby = standby
                return
        # A version that was taken away may be restored: it stays until an older one replaces it.

    def _ready(self, found: versions.Version) -> Version | None:
        """Returns a version, from memory or loaded; None if it does not load."""
        import tensorflow as tf

        state = _state(found.folder)
        if self.standby is not None and self.standby.is_still(found, state):
            return self.standby
        number = found.number
        if self._tried.get(number) == state:
            return None
        try:
            if found.missing:
                raise BadInputError(f"{found.folder} is incomplete: it lacks {found.missing}")
            version = Version(self.name, number, found.folder)
        except (OSError, ValueError, tf.errors.OpError) as e:
            self._tried[number] = state
            self.failures[number] = str(e).split("\n")[0]
            _log.warning("%s version %d: %s", self.name, number, self.failures[number])
            return None
        self._tried.pop(number, None)
        self.failures.pop(number, None)
        version.files = state
        return version


def _state(folder: str) -> Any:
    """Returns a version's files and their sizes, which change while it is being copied.

    A version that is deleted meanwhile has none.
    """
    import tensorflow as tf

    sizes = []
    try:
        for path, _, names in tf.io.gfile.walk(folder):
            for name in names:
                file = os.path.join(path, name)
                sizes.append((file, tf.io.gfile.stat(file).length))
    except tf.errors.NotFoundError:
        return ()
    return tuple(sorted(sizes))


class Watcher:
    """Checks for new versions at an interval, in a thread, until stopped."""

    def __init__(self, served: list[Served], seconds: float) -> None:
        self._served = served
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Starts checking."""
        self._thread.start()

    def stop(self) -> None:
        """Stops; does not wait for a version that is being loaded."""
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            for model in self._served:
                begin = time.monotonic()
                try:
                    if model.refresh():
                        _log.info("%s: replaced in %.1f s", model.name, time.monotonic() - begin)
                except Exception:
                    # If this thread ended, the server would stay on an old version forever.
                    _log.exception("%s: checking for new versions failed", model.name)
            # Only then: no model waits for the standby of another.
            for model in self._served:
                try:
                    model.prepare()
                except Exception:
                    _log.exception("%s: the version before cannot be kept ready", model.name)
