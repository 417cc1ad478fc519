"""`model_summary.txt` says of every layer what it is, in which type it computes, what learns."""

import dataclasses
from collections.abc import Callable

from trainer_modules.engine.networks import models
from trainer_modules.engine.problems import Segmentation
from trainer_modules.engine.task.layers import Dropout, GlobalAveragePool
from trainer_modules.engine.task.task import (
    Backbone,
    EncoderDecoder,
    Everything,
    HeadOnly,
    Images,
    Last,
    Phase,
    Task,
)
from trainer_modules.engine.training import training
from trainer_modules.engine.training.summary import Summary

MOBILE = Backbone(
    name="MobileNetV2", alpha=0.35, weights="none", head=(GlobalAveragePool(), Dropout(0.1))
)


def rows(text: str) -> dict[str, str]:
    """First word of each line → the line."""
    return {line.split()[0]: line for line in text.splitlines() if line.strip()}


def test_each_phase_shows_what_it_freezes(tiny: Callable[..., Task]) -> None:
    task = tiny(input=Images(height=32, width=32), model=MOBILE)
    with training._precision("mixed_bfloat16"):
        built = dataclasses.replace(models.build(task), pretrained=True)
    summary = Summary(built, notes=["a note"])
    for trainable in (HeadOnly(), Last(3), Everything()):
        models.set_trainable(built, Phase(epochs=1, trainable=trainable))
        line = summary.add_phase()
        assert line.endswith(f"trainable {built.trainable_count:,}, frozen {built.frozen_count:,}")
    found = rows(summary.text)
    assert found["layer"].split()[-6:] == ["phase", "1", "phase", "2", "phase", "3"]
    assert found["mobilenetv2_0.35_32"].split()[-3:] == ["frozen", "partly", "partly"]
    # Inside of the base: a convolution, a layer of the last three, and a normalisation.
    assert found["Conv1"].split()[-3:] == ["frozen", "frozen", "trains"]
    assert found["Conv_1"].split()[-3:] == ["frozen", "trains", "trains"]
    assert found["bn_Conv1"].split()[-3:] == ["frozen", "frozen", "frozen"]
    assert found["logits"].split()[-3:] == ["trains", "trains", "trains"]
    assert found["dropout_1"].split()[-1] == "bfloat16"
    # In which type it computes, and keeps its weights.
    assert "bfloat16 (float32 weights)" in found["Conv1"]
    assert "432" in found["Conv1"] and "16 × 16 × 16" in found["Conv1"]
    assert " float32" in found["probabilities"] and "bfloat16" not in found["probabilities"]
    assert "uint8" in found["image"]
    assert f"{built.model.count_params():,} parameters" in summary.text
    assert "a note" in summary.text
    assert "Conv1" not in rows(summary.short)


def test_phases_alike_share_a_column(tiny: Callable[..., Task]) -> None:
    built = models.build(tiny())
    summary = Summary(built)
    for _ in range(2):
        models.set_trainable(built, Phase(epochs=1))
        summary.add_phase()
    assert rows(summary.text)["layer"].endswith("phases 1 to 2")
    assert rows(summary.text)["dense_1"].split()[-2:] == ["float32", "trains"]


def test_the_encoder_of_a_decoder_is_shown_too(tiny: Callable[..., Task]) -> None:
    task = tiny(
        problem=Segmentation(classes=("a", "b")),
        input=Images(height=64, width=64),
        model=EncoderDecoder(weights="none", alpha=0.35, filters=(8, 8)),
    )
    built = models.build(task)
    models.set_trainable(built, Phase(epochs=1, trainable=HeadOnly()))
    summary = Summary(built)
    summary.add_phase()
    found = rows(summary.text)
    assert found["encoder"].endswith("frozen") and found["Conv1"].endswith("frozen")
    assert found["decoder_0a"].endswith("trains")
