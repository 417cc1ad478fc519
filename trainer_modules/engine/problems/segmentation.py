"""Segmentation: predicting a class for each pixel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from trainer_modules.engine.inputs.contract import Input
from trainer_modules.engine.problems import mask_checking, masks
from trainer_modules.engine.problems.contract import Problem
from trainer_modules.engine.problems.measures import Measure, Shown
from trainer_modules.engine.problems.tally import Tally

CLASS_MAPS = "class_maps"
"""The signature that draws heat maps."""


@dataclass(frozen=True, kw_only=True)
class Segmentation(Problem):
    """A class for each pixel.

    Attributes:
      classes: Class names; a mask pixel holds an index into them.
      void: Pixel value that stands for "no label" and is ignored; None where there is none.
      colours: RGB of each class, for people, and the mask's own colours where `rgb_masks`.
      rgb_masks: Masks are RGB images in `colours`, not ids.
    """

    moves_with_image: ClassVar[bool] = True
    output_rank: ClassVar[int] = 4
    measures: ClassVar[Mapping[str, Measure]] = {}
    shown: ClassVar[Shown] = Shown(
        headline=("mean_iou", "pixel_accuracy"),
        of_slices=("mean_iou", "pixel_accuracy"),
        of_class=("iou", "precision", "recall", "f1", "support"),
        score="iou",
        counted="pixels",
        sections=("masks",),
    )

    classes: tuple[str, ...]
    void: int | None = None
    colours: tuple[tuple[int, int, int], ...] = ()
    rgb_masks: bool = False

    def __post_init__(self) -> None:
        if self.rgb_masks and len(self.colours) != len(self.classes):
            raise ValueError(
                f"colours must name one RGB for each of the {len(self.classes)} classes where "
                f"rgb_masks is set. Received: {len(self.colours)}"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.classes

    @property
    def ids_of_masks(self) -> masks.Ids:
        """What the pixels of a mask mean."""
        colours = self.colours if self.rgb_masks else ()
        return masks.Ids(len(self.classes), self.void, colours)

    @property
    def raw_label(self) -> str:
        """The raw feature with the true label: the encoded mask."""
        return "mask"

    def read_mask(self, contents: bytes, *, size: tuple[int, int]) -> tuple[bytes, tuple[str, ...]]:
        """Returns the mask as a PNG, and the names of the classes in it.

        The bytes are those given, except that palette, 1-bit and 16-bit ids become an 8-bit grey
        PNG of the same ids: decoders would replace them by colours.

        Raises:
          LabelError: If it is damaged, lossy, of another size, or has a pixel of no class.
        """
        png, shown = mask_checking.check(contents, size=size, form=self.ids_of_masks)
        return png, tuple(self.classes[i] for i in shown)

    def label_bytes(self, given: Input) -> int:
        """Returns the size of one mask in memory: a byte for each pixel."""
        height, width = _size(given)
        return height * width

    @property
    def monitor(self) -> str:
        """The main training metric."""
        return "pixel_accuracy"

    def transformed_labels(self, inputs: dict[str, Any], given: Input) -> dict[str, Any]:
        """Returns the label features to store: `mask`, id PNG bytes `[batch]`."""
        return {
            "mask": masks.stored_masks(inputs["mask"], size=_size(given), form=self.ids_of_masks)
        }

    def label_spec(self, given: Input) -> dict[str, Any]:
        """Returns the parsing spec of the stored label features."""
        del given
        import tensorflow as tf

        return {"mask": tf.io.FixedLenFeature([], tf.string)}

    def training_label(self, parsed: dict[str, Any], given: Input) -> Any:
        """Returns class ids uint8 `[height, width]`."""
        return masks.decode_stored(parsed["mask"], size=_size(given))

    def output_layers(self) -> list[Any]:
        """Returns the last layers: probabilities float32 `[batch, height, width, classes]`."""
        from tf_keras import layers

        return [
            layers.Conv2D(len(self.classes), 1, name="logits"),
            layers.Activation("softmax", dtype="float32", name="probabilities"),
        ]

    def loss(self, label_smoothing: float = 0.0) -> Any:
        """Returns cross-entropy per pixel, void pixels ignored; labels are not smoothed."""
        del label_smoothing
        return masks.loss(self.ids_of_masks)

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics."""
        return ("pixel_accuracy", "mean_iou")

    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`."""
        return masks.training_metrics(self.ids_of_masks)

    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served: `mask_png`, id PNG bytes `[batch]`."""
        return {"mask_png": masks.encode_predictions(outputs)}

    def further_signatures(self, outputs_of: Callable[[Any], Any]) -> dict[str, Any]:
        """Returns `class_maps`: `image_bytes` and `classes`, int32 `[k]` → `maps_png`.

        `maps_png` is string `[batch, k]`: the probability of each of those classes as a grey PNG.
        """
        import tensorflow as tf

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.string, name="image_bytes"),
                tf.TensorSpec([None], tf.int32, name="classes"),
            ]
        )
        def maps(image_bytes: Any, classes: Any) -> dict[str, Any]:
            return {"maps_png": masks.encode_class_maps(outputs_of(image_bytes), classes)}

        return {CLASS_MAPS: maps}

    @property
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Names of what is served → dtype and shape of one prediction."""
        return {"mask_png": ("string", ())}

    def tally(self, *, names: tuple[str, ...] = (), only: tuple[str, ...] = ()) -> Tally:
        """Returns an empty tally, see `mask_tally`; models of other classes are not compared."""
        del only
        from trainer_modules.engine.problems.mask_tally import MaskTally

        form = self.ids_of_masks
        return MaskTally(names or self.classes, form.void, form.colours)

    def truth(self, value: Any) -> bytes:
        """Returns the encoded mask."""
        contents: bytes = value.item()
        return contents

    @classmethod
    def of_metric(cls, name: str, config: dict[str, Any]) -> "Segmentation | None":
        """Returns the segmentation that a `MaskReport` means."""
        if name != "MaskReport":
            return None
        colours = tuple((r, g, b) for r, g, b in config.get("colours") or ())
        return Segmentation(
            classes=tuple(config["classes"]),
            void=config.get("void"),
            colours=colours,
            rgb_masks=bool(colours),
        )


def _size(given: Input) -> tuple[int, int]:
    """Returns height and width of the masks, those of the images."""
    image = given.images("Segmentation")
    return image.height, image.width
