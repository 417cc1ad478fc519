"""ImageNet's 1,000 classes, names and ids, without the network.

`imagenet_classes.json` lists `[WordNet id, name]` in the order of the outputs of every
`keras.applications` classifier, with the first lemma of the synset as the name, as
`decode_predictions` shows it. Ids and names are those of the ILSVRC 2012 synsets; where the file
came from, and under which terms, is in NOTICE.
"""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer_modules.engine.problems.classification import Classification

_FILE = Path(__file__).parents[2] / "imagenet_classes.json"


@functools.cache
def synsets() -> tuple[tuple[str, str], ...]:
    """Returns 1,000 pairs (WordNet id, name), for example `("n02510455", "giant_panda")`."""
    return tuple((wnid, name) for wnid, name in json.loads(_FILE.read_text(encoding="utf-8")))


def ids() -> tuple[str, ...]:
    """Returns the 1,000 WordNet ids, all distinct."""
    return tuple(wnid for wnid, _ in synsets())


def names() -> tuple[str, ...]:
    """Returns the 1,000 names; two cranes, a bird and a machine, and two kinds of maillot."""
    return tuple(name for _, name in synsets())


@dataclass(frozen=True, kw_only=True)
class ImageNet(Classification):
    """The published classifiers' classes; ids distinguish classes of the same name.

    Both lists are fixed, so they are not part of a task's JSON.

    Attributes:
      classes: Names, as `decode_predictions` shows them; not all distinct.
      ids: WordNet ids, in the same order; served as `class_id`.
    """

    classes: tuple[str, ...] = field(init=False, default_factory=names)
    ids: tuple[str, ...] = field(init=False, default_factory=ids)

    def __post_init__(self) -> None:
        """Names may repeat here."""

    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served: `class_id` too."""
        import tensorflow as tf

        prediction = super().served(outputs)
        index = tf.argmax(prediction["probabilities"], axis=-1)
        return prediction | {"class_id": tf.gather(tf.constant(self.ids), index)}

    @property
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Names of what is served → dtype and shape of one prediction."""
        return super().served_outputs | {"class_id": ("string", ())}
