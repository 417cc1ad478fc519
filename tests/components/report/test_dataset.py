"""What the page says about the training data."""

import base64
import io

import numpy as np
from PIL import Image

from components.report import dataset, pictures
from components.report.material import Material
from tests.components.report import runs

CLASSES = ("daisy", "roses")


def _pixels(uri: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_each_sample_keeps_its_picture_and_its_label_in_every_block() -> None:
    plain = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    sheet = pictures.Sheet(
        blocks=(("as they are", tuple(plain)), ("augmented", tuple(255 - plain))),
        labels=("daisy", "roses", "daisy"),
        ids=("a.jpg", "b.jpg", "c.jpg"),
    )
    found = dataset.samples(Material(samples=sheet))
    assert found is not None
    assert [block["title"] for block in found["blocks"]] == ["as they are", "augmented"]
    for block, expected in zip(found["blocks"], (plain, 255 - plain), strict=True):
        assert [(t["id"], t["label"]) for t in block["tiles"]] == [
            *(("a.jpg", "daisy"), ("b.jpg", "roses"), ("c.jpg", "daisy")),
        ]
        for tile, pixels in zip(block["tiles"], expected, strict=True):
            np.testing.assert_array_equal(_pixels(tile["picture"]), pixels)
    assert dataset.samples(Material()) is None


def test_classes_are_counted_as_ingestion_did_in_the_models_order() -> None:
    material = Material(
        evaluation={"details": {"classes": ["roses", "daisy"]}},
        ingestion={
            "counts": {"train": 9, "eval": 4},
            "classes": {"train": {"daisy": 4, "new": 1, "roses": 4}, "eval": {"daisy": 4}},
        },
        statistics=runs.statistics(CLASSES),
    )
    found = dataset.data(material)
    assert found is not None
    assert found["classes"] == [
        {"name": "roses", "counts": {"train": 4}},
        {"name": "daisy", "counts": {"train": 4, "eval": 4}},
        {"name": "new", "counts": {"train": 1}},
    ]
    assert (found["most"], found["totals"]) == (4, {"train": 9, "eval": 4})


def test_without_ingestions_counts_those_of_the_statistics_are_shown() -> None:
    found = dataset.data(Material(statistics=runs.statistics(CLASSES)))
    assert found is not None
    assert found["classes"] == [
        {"name": name, "counts": {"train": 60, "eval": 20, "test": 25}} for name in CLASSES
    ]
    assert found["splits"] == ["train", "eval", "test"]


def test_of_images_only_their_own_measures_are_listed_of_tables_every_column() -> None:
    statistics = {
        "train": {"examples": 9, "features": {"height": {"mean": 7.0}, "rooms": {"mean": 3.0}}}
    }
    images = Material(statistics=statistics, evaluation={"details": {"classes": ["a"]}})
    rows = Material(statistics=statistics)
    shown = [
        [(n["feature"], n["mean"]) for n in (dataset.data(m) or {})["numbers"]]
        for m in (images, rows)
    ]
    assert shown == [[("height", 7.0)], [("height", 7.0), ("rooms", 3.0)]]


def test_the_count_stays_where_not_all_are_listed() -> None:
    listed = [{"id": f"{i}.jpg"} for i in range(80)]
    material = Material(
        ingestion={
            "rejected": 1000,
            "duplicates": {"count": 80, "listed": listed},
            # As a version wrote it that did not list them.
            "converted": 12,
        },
        rejected=[{"id": "x", "reason": "empty"}],
    )
    found = dataset.data(material)
    assert found is not None
    assert (found["rejected_count"], len(found["rejected"])) == (1000, 1)
    assert found["duplicates"] == {"count": 80, "listed": listed[:50]}
    assert found["converted"] == {"count": 12, "listed": []}


def test_drift_needs_other_data_to_compare_with() -> None:
    now = runs.statistics(CLASSES)
    first = dataset.changed(Material(statistics=now))
    same = dataset.changed(Material(statistics=now, previous_statistics=runs.statistics(CLASSES)))
    moved = dataset.changed(
        Material(statistics=now, previous_statistics=runs.statistics(CLASSES, shift=0.3))
    )
    assert first is not None and same is not None and moved is not None
    assert (first["compared"], first["rows"]) == (False, [])
    assert (same["compared"], same["same"], same["rows"]) == (True, True, [])
    assert not moved["same"] and {row["feature"] for row in moved["drifted"]} == {"brightness"}
    assert len(moved["rows"]) > len(moved["drifted"])


def test_a_network_that_is_not_trained_has_no_training_data() -> None:
    material = Material(task={"phases": []})
    assert dataset.data(material) is None and dataset.changed(material) is None
