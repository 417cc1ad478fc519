"""Segmentation: predicting a class for each pixel; see `problems` for the interface."""

from dataclasses import dataclass
from typing import Any

_EVALUATION = "trainer_modules.engine.evaluation"


@dataclass(frozen=True, kw_only=True)
class Segmentation:
    """A class for each pixel.

    Attributes:
      classes: Class names; a mask pixel holds an index into them.
      void: Pixel value that stands for "no label" and is ignored; None where there is none.
      colours: RGB of each class, for people, and the mask's own colours where `rgb_masks`.
      rgb_masks: Masks are RGB images in `colours`, not ids.
    """

    classes: tuple[str, ...]
    void: int | None = None
    colours: tuple[tuple[int, int, int], ...] = ()
    rgb_masks: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.classes

    @property
    def raw_label(self) -> str:
        """The raw feature with the true label."""
        return "mask"

    @property
    def monitor(self) -> str:
        """The main training metric."""
        return "pixel_accuracy"

    def transformed_labels(self, inputs: dict[str, Any], image: Any) -> dict[str, Any]:
        """Returns the label features to store: `mask`, id PNG bytes `[batch]`."""
        from trainer_modules.engine import masks

        return {"mask": masks.stored_masks(inputs["mask"], image=image, problem=self)}

    def label_spec(self, image: Any) -> dict[str, Any]:
        """Returns the parsing spec of the stored label features."""
        del image
        import tensorflow as tf

        return {"mask": tf.io.FixedLenFeature([], tf.string)}

    def training_label(self, parsed: dict[str, Any], image: Any) -> Any:
        """Returns class ids uint8 `[height, width]`."""
        from trainer_modules.engine import masks

        return masks.decode_stored(parsed["mask"], image=image)

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
        from trainer_modules.engine import masks

        return masks.loss(self)

    @property
    def measured(self) -> tuple[str, ...]:
        """Names of the training metrics."""
        return ("pixel_accuracy", "mean_iou")

    def training_metrics(self) -> list[Any]:
        """Returns fresh Keras metrics for `compile`."""
        from trainer_modules.engine import masks

        return masks.training_metrics(self)

    def served(self, outputs: Any) -> dict[str, Any]:
        """Returns a prediction as served: `mask_png`, id PNG bytes `[batch]`."""
        from trainer_modules.engine import masks

        return {"mask_png": masks.encode_predictions(outputs)}

    def class_maps(self, outputs: Any, chosen: Any) -> Any:
        """Returns what `chosen` classes (int32 `[k]`) get: grey PNGs, string `[batch, k]`."""
        from trainer_modules.engine import masks

        return masks.encode_class_maps(outputs, chosen)

    @property
    def served_outputs(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Names of what is served → dtype and shape of one prediction."""
        return {"mask_png": ("string", ())}

    def evaluation_metrics(self) -> list[dict[str, Any]]:
        """Returns TFMA metric configs as dicts (`class_name`, `module`, `config`)."""
        config: dict[str, Any] = {"classes": list(self.classes), "void": self.void}
        if self.rgb_masks:
            config["colours"] = [list(colour) for colour in self.colours]
        return [{"class_name": "MaskReport", "module": _EVALUATION, "config": config}]
