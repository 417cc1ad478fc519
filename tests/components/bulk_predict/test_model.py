"""A model that predicts batches: bad images cost themselves, threads end, errors are short."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.bulk_predict import model
from components.bulk_predict.inputs import Entry
from trainer_modules.engine.errors import BadInputError


def test_bad_images_come_back_in_their_place(
    classifier: Path, picture: Callable[[int], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = model.Predictor(str(classifier / "2"))
    sizes, call = [], predictor.call
    monkeypatch.setattr(predictor, "call", lambda given: (sizes.append(len(given)), call(given))[1])
    entries = [Entry(f"{i}", picture(i * 15)) for i in range(16)]
    entries[5] = Entry("5", b"no image", true="dark")
    entries[9] = Entry("9", None, error="could not be read")
    predicted = predictor.predict(entries)
    assert [entry.id for entry, _ in predicted] == [f"{i}" for i in range(16)]
    for i, (entry, outputs) in enumerate(predicted):
        if i in (5, 9):
            assert entry.error and not outputs
        else:
            centre = min((0, 0.5, 1), key=lambda c: abs(c - i * 15 / 255))
            assert outputs["label"].decode() == {0: "dark", 0.5: "mid, grey", 1: "light"}[centre]
    assert predicted[5][0].error.startswith("cannot be decoded: ")
    assert predicted[5][0].true == "dark" and "\n" not in predicted[5][0].error
    # One bad image of n costs about 2 log2(n) further calls, not n.
    assert len(sizes) <= 9
    assert predictor.predict([]) == []


def test_columns_are_given_in_the_tasks_order(regressor: Path) -> None:
    predictor = model.Predictor(str(regressor))
    assert predictor.columns == ("a", "b")
    assert predictor.call([(1.0, 10.0), (2.0, 0.5)])["value"].tolist() == [32.0, 5.5]


def test_a_batch_is_as_large_as_its_images_allow(classifier: Path, regressor: Path) -> None:
    assert model.batch_size(str(classifier / "1")) == 256
    assert model.batch_size(str(regressor)) == 256


def test_heat_maps_are_asked_of_models_that_draw_them(classifier: Path, segmenter: Path) -> None:
    with pytest.raises(BadInputError, match="does not predict masks"):
        model.Predictor(str(classifier / "1")).check_maps(("dark",), ("dark",))
    drawing = model.Predictor(str(segmenter))
    drawing.check_maps((), ())
    drawing.check_maps(("day",), ("night", "day"))
    with pytest.raises(BadInputError, match="did you mean 'day'"):
        drawing.check_maps(("dai",), ("night", "day"))


@pytest.mark.parametrize(("count", "size", "sizes"), [(0, 3, []), (3, 3, [3]), (7, 3, [3, 3, 1])])
def test_batches_hold_every_entry(count: int, size: int, sizes: list[int]) -> None:
    entries = [Entry(f"{i}", b"") for i in range(count)]
    found = list(model.batches(iter(entries), size))
    assert [len(batch) for batch in found] == sizes
    assert [entry for batch in found for entry in batch] == entries


def test_reading_ahead_keeps_the_order_and_hands_on_the_error() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("the disk is gone")

    reading = model.prefetched(items())
    assert [next(reading) for _ in range(5)] == list(range(5))
    with pytest.raises(OSError, match="the disk is gone"):
        next(reading)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    reading = model.prefetched(iter(range(10**9)))
    assert next(reading) == 0
    reading.close()  # type: ignore[attr-defined]
    end = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.05)
    assert threading.active_count() == before
