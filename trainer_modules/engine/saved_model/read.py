"""The one reader of this project's SavedModels: their task, their signatures, their predictions.

Importing this module is cheap; TensorFlow is imported when a model is loaded or is remote.
"""

import posixpath
from collections.abc import Mapping
from typing import Any

import numpy as np

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import assets, versions
from trainer_modules.engine.saved_model.contents import GRAPH_FILE, TASK_ASSET
from trainer_modules.engine.saved_model.loading import load
from trainer_modules.engine.signatures import SERVING_DEFAULT
from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.task import Recipe


class SavedModel:
    """A loaded SavedModel.

    Attributes:
      folder: Where it was loaded from.
      module: The object that TensorFlow returned.
      signatures: Name → signature, called with tensors by keyword.
    """

    def __init__(self, folder: str) -> None:
        """Loads the SavedModel in `folder`.

        Raises:
          BadInputError: If it cannot be loaded, or has no signature `serving_default`.
        """
        self.folder = folder
        self.module = load(folder)
        self.signatures: dict[str, Any] = dict(getattr(self.module, "signatures", {}))
        self._dtypes = {
            name: {key: spec.dtype for key, spec in called.structured_input_signature[1].items()}
            for name, called in self.signatures.items()
        }
        self.check_signature(SERVING_DEFAULT)

    def check_signature(self, name: str) -> None:
        """Checks that there is a signature of this name.

        Raises:
          BadInputError: If not.
        """
        if name not in self.signatures:
            known = ", ".join(sorted(self.signatures)) or "none"
            raise BadInputError(
                f"the SavedModel in {self.folder} must have the signature '{name}'. "
                f"Received: {known}"
            )

    def inputs(self, signature: str = SERVING_DEFAULT) -> dict[str, Any]:
        """Returns the inputs of a signature: name → TensorFlow dtype."""
        return self._dtypes[signature]

    def outputs(self, signature: str = SERVING_DEFAULT) -> tuple[str, ...]:
        """Returns the names of a signature's outputs."""
        return tuple(self.signatures[signature].structured_outputs)

    def call(
        self, inputs: Mapping[str, Any], signature: str = SERVING_DEFAULT
    ) -> dict[str, np.ndarray]:
        """Predicts a batch.

        Args:
          inputs: Name → lists, arrays or tensors `[batch, …]`, converted to the input's dtype.
          signature: What to call.

        Returns:
          Name of the output → array `[batch, …]`; strings are `bytes` in an array of objects.

        Raises:
          tf.errors.OpError: If the model rejects the input.
        """
        import tensorflow as tf

        dtypes = self._dtypes[signature]
        tensors = {name: tf.constant(given, dtypes[name]) for name, given in inputs.items()}
        return {name: out.numpy() for name, out in self.signatures[signature](**tensors).items()}

    @property
    def network(self) -> Any:
        """The network alone: uint8 pixels `[batch, height, width, channels]` or rows → outputs.

        Raises:
          BadInputError: If the model was written before networks were part of it.
        """
        if not hasattr(self.module, "network"):
            raise BadInputError(
                f"the SavedModel in {self.folder} was written by an older release, without its "
                "network as a function. Train the model again to export it."
            )
        return self.module.network


def newest(folder: str) -> str:
    """Returns the SavedModel in `folder`: itself, or its newest complete version.

    Raises:
      BadInputError: If there is none.
    """
    there = list(versions.newest_first(folder))
    model = next((version.folder for version in there if not version.missing), None)
    if model is not None:
        return model
    if there:
        incomplete = ", ".join(f"{version.folder} lacks {version.missing}" for version in there[:3])
        raise BadInputError(
            f"{folder} has no complete SavedModel ({incomplete}). Copy it again, or run the task "
            "again to push it."
        )
    raise BadInputError(
        "the model must be a folder that contains a saved_model.pb or numbered versions of a "
        f"SavedModel, as Pusher writes them to <root>/serving/<task>. Received: {folder}"
    )


def task(model: str) -> Recipe | None:
    """Returns what a SavedModel carries: as trained its recipe, as pushed its task; None for none.

    Raises:
      BadInputError: If it was written in a form that this version cannot read.
    """
    path = assets.asset(model, TASK_ASSET)
    text = assets.text(path)
    if text is None:
        return None
    try:
        carried = serialisation.from_json(text)
    except BadInputError as error:
        raise BadInputError(f"{path} cannot be read: {error}") from error
    if not isinstance(carried, Recipe):
        raise BadInputError(
            f"{path} cannot be read: it must be a Recipe or Task. "
            f"Received: {type(carried).__name__}"
        )
    return carried


def variables(model: str) -> list[tuple[str, np.ndarray]]:
    """Returns the names and values of a network's variables, in the order of its `weights`.

    The graph is not loaded: the variables lie in a checkpoint of their own.

    Raises:
      BadInputError: If they cannot be read, or the model was written without them.
    """
    import tensorflow as tf
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    try:
        stored = tf.train.load_checkpoint(posixpath.join(model, "variables", "variables"))
        text = stored.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
        nodes = trackable_object_graph_pb2.TrackableObjectGraph.FromString(text).nodes
        (network,) = (c.node_id for c in nodes[0].children if c.local_name == "model_variables")
        numbered = {int(c.local_name): nodes[c.node_id] for c in nodes[network].children}
        kept = [numbered[place].attributes[0] for place in sorted(numbered)]
        return [(a.full_name, stored.get_tensor(a.checkpoint_key)) for a in kept]
    except (tf.errors.OpError, ValueError, IndexError, RuntimeError) as error:
        raise BadInputError(
            f"the variables of the SavedModel in {model} cannot be read: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from error


def definitions(model: str) -> dict[str, Any]:
    """Returns the signatures of a SavedModel without loading it: name → protobuf `SignatureDef`.

    Raises:
      BadInputError: If the graph cannot be read.
    """
    from google.protobuf import message
    from tensorflow.core.protobuf import saved_model_pb2

    saved = saved_model_pb2.SavedModel()
    try:
        saved.ParseFromString(assets.content(posixpath.join(model, GRAPH_FILE)) or b"")
    except message.DecodeError as error:
        raise BadInputError(f"the graph of the SavedModel in {model} is damaged.") from error
    if not saved.meta_graphs:
        raise BadInputError(f"the graph of the SavedModel in {model} is missing or empty.")
    return dict(saved.meta_graphs[0].signature_def)
