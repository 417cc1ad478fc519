"""`{SPAN}` and its like in the data root: the newest is read, in every layout."""

import json
from pathlib import Path

import pytest

from components.example_gen import ingest
from components.example_gen.root import latest_root
from tests.components.example_gen.conftest import (
    component,
    encoded,
    fingerprint_of,
    pets,
    picture,
    write,
    write_shard,
)
from trainer_modules import flowers, image_folder
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import HashSplit, ImageFolders, TFRecords

pytestmark = pytest.mark.usefixtures("tfx_ready")


def classes(root: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        for j in range(3):
            write(root / name / f"{j}.png", encoded(picture(10 * i + j)))
    return root


def test_classes_and_layout_are_those_of_the_newest_span(tmp_path: Path) -> None:
    classes(tmp_path / "span-1", "cat", "dog")
    classes(tmp_path / "span-12", "bird", "cat", "dog")
    data = str(tmp_path / "span-{SPAN}")
    task, root, source = ingest.prepare(image_folder.TASK, data, str(tmp_path))
    assert isinstance(task.problem, Classification)
    assert task.problem.classes == ("bird", "cat", "dog")
    assert root == data, "each night looks for the newest again"
    assert isinstance(source, ImageFolders)


def test_an_alternative_layout_is_found_in_the_newest_span(tmp_path: Path) -> None:
    assert isinstance(flowers.TASK.source, TFRecords)
    for shard in ("flowers00-1.tfrec", "flowers01-1.tfrec"):
        example = {"image": encoded(picture(0)), "class": 0}
        write_shard(tmp_path / "span-1" / shard, [example])
    data = str(tmp_path / "span-{SPAN}")
    assert isinstance(ingest.prepare(flowers.TASK, data, str(tmp_path))[2], TFRecords)
    classes(tmp_path / "span-2", *flowers.TASK.problem.names)
    assert isinstance(ingest.prepare(flowers.TASK, data, str(tmp_path))[2], ImageFolders)


@pytest.mark.parametrize(
    ("pattern", "folders", "newest", "number"),
    [
        ("{SPAN}", ("9", "10"), "10", 10),
        ("span-{SPAN}", ("span-009", "span-010"), "span-010", 10),
        ("span-{SPAN:3}", ("span-009", "span-010"), "span-010", 10),
        ("{YYYY}-{MM}-{DD}", ("2026-02-28", "2026-03-01"), "2026-03-01", 20513),
        ("{YYYY}/{MM}/{DD}/photos", ("2025/12/31/photos", "2026/01/02/photos"), None, 20455),
    ],
)
def test_the_newest_is_read_as_its_folder_is_called(
    tmp_path: Path, pattern: str, folders: tuple[str, ...], newest: str | None, number: int
) -> None:
    for folder in folders:
        pets(tmp_path / folder)
    expected = str(tmp_path / (newest or folders[-1]))
    _, span, version, root = fingerprint_of(component(f"{tmp_path}/{pattern}"))
    assert (span, version, root) == (number, None, expected)
    assert latest_root(f"{tmp_path}/{pattern}") == expected


def test_the_newest_version_of_the_newest_span(tmp_path: Path) -> None:
    for place in ("span-1/v-9", "span-2/v-1", "span-2/v-03"):
        pets(tmp_path / place)
    data = f"{tmp_path}/span-{{SPAN}}/v-{{VERSION}}"
    assert fingerprint_of(component(data))[1:] == (2, 3, str(tmp_path / "span-2" / "v-03"))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("span-{SPAN}", "Cannot find span number from .*span-old"),
        ("day-{SPAN}", "Cannot find matching"),
        ("{YYYY}-{DD}", "Exactly one of each date spec"),
        ("span-1/{VERSION}", "Span or Date spec is not present"),
    ],
)
def test_what_is_no_span_is_said(tmp_path: Path, pattern: str, message: str) -> None:
    pets(tmp_path / "span-1")
    pets(tmp_path / "span-old")
    with pytest.raises(BadInputError, match=rf"No folder matches .*{message}") as error:
        ingest.prepare(image_folder.TASK, f"{tmp_path}/{pattern}", str(tmp_path))
    assert "stand for numbers" in str(error.value)


def test_nights(run, tmp_path: Path) -> None:
    """The same span: from the cache. A new one: read. A change in an old one: nothing."""
    node = lambda: component(f"{tmp_path}/data/span-{{SPAN}}")  # noqa: E731
    pets(tmp_path / "data" / "span-1")
    assert len(run(node())) == 1
    assert run(node()) == []
    pets(tmp_path / "data" / "span-2", count=5)
    (rejected,) = run(node())
    found = json.loads((rejected / "summary.json").read_text())
    assert found["counts"]["train"] == 5
    write(tmp_path / "data" / "span-1" / "cat" / "late.png", encoded(picture(77)))
    assert run(node()) == []
    write(tmp_path / "data" / "span-2" / "cat" / "late.png", encoded(picture(77)))
    assert len(run(node())) == 1


def test_splits_hold_within_a_span(run, tmp_path: Path) -> None:
    source = ImageFolders(splits=HashSplit(eval=0.5))
    pets(tmp_path / "data" / "2026-11-20", count=30)
    (rejected,) = run(component(f"{tmp_path}/data/{{YYYY}}-{{MM}}-{{DD}}", source))
    counts = json.loads((rejected / "summary.json").read_text())["counts"]
    assert sum(counts.values()) == 30 and min(counts.values()) > 5
