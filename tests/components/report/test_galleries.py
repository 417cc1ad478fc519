"""Which predictions are pictured, where, and within which size."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.report import galleries
from components.report.material import Material
from tests.components.report import other_runs, runs

FLOWERS = ("daisy", "roses", "tulips")


def _decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def _named(prefix: str, count: int) -> list[dict[str, Any]]:
    return [{"id": f"{prefix}{i}"} for i in range(count)]


def _classified(count: int) -> Material:
    """Returns a classification; each example is pictured but the second of the galleries."""
    found = Material(task=runs.task(FLOWERS), evaluation=runs.evaluation(FLOWERS, count))
    details = found.evaluation["details"]
    first, missing, *others = galleries.wanted_ids(details)
    ids = [first, *others, *galleries.further_ids(details)]
    found.pictures = galleries.drawn({n: Image.new("RGB", (8, 8)) for n in ids}, details)
    assert missing not in found.pictures
    return found


def test_an_image_in_two_galleries_is_fetched_once() -> None:
    details = {
        "most_wrong": _named("w", 60),
        "right": _named("r", 30),
        "wrong": [{"id": "w0"}, *_named("x", 30)],
        "of_pairs": [{"id": "w0"}, {"id": "w59"}, {"id": "p"}, {"id": "p"}],
    }
    ids = galleries.wanted_ids(details)
    assert len(ids) == len(set(ids)) == 48 + 24 + 23
    assert "w47" in ids and "w48" not in ids
    # Behind the galleries' end an image is still one of its cell.
    assert galleries.further_ids(details) == ["w59", "p"]
    assert galleries.wanted_ids({}) == galleries.further_ids({}) == []


def test_tiny_pictures_of_pairs_keep_to_their_part_of_the_page() -> None:
    draw = np.random.default_rng(0)
    ids = [f"{i}.png" for i in range(160)]
    seen = {n: Image.fromarray(draw.integers(0, 256, (48, 48, 3), np.uint8)) for n in ids}
    drawn = galleries.drawn(seen, {"of_pairs": [{"id": name} for name in ids]})
    assert sum(map(len, drawn.values())) <= galleries.PAIRS_BUDGET
    assert list(drawn) == ids[: len(drawn)] and len(drawn) > 5, "the most confused pairs first"
    np.testing.assert_array_equal(np.asarray(_decoded(drawn["0.png"])), np.asarray(seen["0.png"]))


def test_what_was_not_found_is_left_out() -> None:
    seen = {"w0": Image.new("RGB", (8, 8)), "p": Image.new("RGB", (8, 8))}
    details = {"most_wrong": _named("w", 2), "of_pairs": [{"id": "p"}, {"id": "q"}]}
    assert set(galleries.drawn(seen, details)) == {"w0", "p"}


def test_a_cell_opens_its_own_predictions() -> None:
    material = _classified(400)
    details = material.evaluation["details"]
    cells = galleries.of_cells(material)
    assert {one["id"] for one in cells} == set(material.pictures)
    lists = ("of_pairs", "most_wrong", "wrong", "right")
    examples = {e["id"]: e for key in lists for e in details[key]}
    in_galleries = set(galleries.wanted_ids(details))
    for one in cells:
        example = examples[one["id"]]
        assert [FLOWERS[i] for i in one["cell"]] == [example["true"], example["predicted"]]
        assert one["probability"] == pytest.approx(example["probability"], abs=5e-5)
        # The page contains each picture only once.
        assert (one["picture"] == "") == (one["id"] in in_galleries)


def test_galleries_hold_the_evaluations_examples_in_its_order() -> None:
    material = _classified(1000)
    details = material.evaluation["details"]
    wrong, sampled = galleries.most_wrong(material), galleries.samples(material)
    assert wrong is not None and sampled is not None
    confidence = [example["probability"] for example in wrong["examples"]]
    assert len(confidence) == 48 and confidence == sorted(confidence, reverse=True)
    assert all(example["true"] == example["predicted"] for example in sampled["right"])
    assert all(example["true"] != example["predicted"] for example in sampled["wrong"])
    assert [e["id"] for e in sampled["right"]] == [e["id"] for e in details["right"][:24]]
    missing = [e["id"] for e in wrong["examples"] if e["picture"] is None]
    assert missing == [galleries.wanted_ids(details)[1]], "it keeps its place without a picture"


@pytest.mark.parametrize("kind", ["classification", "regression", "segmentation"])
def test_each_kind_has_its_own_galleries(kind: str, tmp_path: Path) -> None:
    material = {
        "classification": lambda: _classified(60),
        "regression": other_runs.regression,
        "segmentation": lambda: other_runs.masks(tmp_path),
    }[kind]()
    shown = {
        "classification": (galleries.most_wrong, galleries.samples),
        "regression": (galleries.regression,),
        "segmentation": (galleries.masks,),
    }
    for other, sections in shown.items():
        for section in sections:
            assert (section(material) is not None) == (other == kind), section.__name__


def test_the_legend_has_the_colours_of_the_pixels(tmp_path: Path) -> None:
    material = other_runs.masks(tmp_path)
    material.task["problem"] |= {"void": 255, "colours": [[1, 2, 3], [250, 128, 0]]}
    found = galleries.masks(material)
    assert found is not None
    names = [entry["name"] for entry in found["legend"]]
    colours = [entry["colour"] for entry in found["legend"]]
    assert names == ["sky", "road", "car", "void, not evaluated"]
    assert colours[:2] == ["#010203", "#fa8000"] and colours[3] == "#000000"
    assert len(set(colours)) == 4, "a class without a colour gets one of its own"
    np.testing.assert_array_equal(galleries.palette(material.task)[:2], [[1, 2, 3], [250, 128, 0]])
    assert [one["id"] for one in found["examples"]] == [f"seq16E5/frame_{i}.png" for i in range(2)]


def test_residuals_are_predicted_minus_true() -> None:
    material = other_runs.regression()
    # Every second prediction is 1 too high, the others are exact.
    material.evaluation["details"]["points"] = [[float(i), i + i % 2] for i in range(80)]
    found = galleries.regression(material)
    assert found is not None
    assert (found["drawn"], found["unit"], found["target"]) == (80, "k$", "price")
    assert ">predicted − true [k$]<" in found["residuals"]
    ticks = re.findall(r">(−?[\d.]+)</text>", found["residuals"])
    assert {"0.0", "1.0"} <= set(ticks) and not [tick for tick in ticks if tick.startswith("−")]
    assert found["highest"] == 0.5 and [e["id"] for e in found["most_wrong"]] == ["row 3"]
    assert found["pictured"] == found["sampled"] == []


def test_errors_on_images_are_pictured_instead_of_listed() -> None:
    material = other_runs.regression()
    material.task["input"] = runs.task(FLOWERS)["input"]
    material.evaluation["details"] |= {"most_wrong": _named("w", 60), "sample": _named("s", 30)}
    material.pictures = {"w0": "data:,w", "s23": "data:,s"}
    found = galleries.regression(material)
    assert found is not None and found["most_wrong"] == []
    assert [e["id"] for e in found["pictured"]] == [f"w{i}" for i in range(48)]
    assert [e["picture"] for e in found["pictured"]] == ["data:,w", *[None] * 47]
    assert [e["picture"] for e in found["sampled"]] == [*[None] * 23, "data:,s"]
