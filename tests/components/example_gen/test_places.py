"""The spans of a window and a fixed test set: what is read, judged, and keeps its split."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from components.example_gen import ingest, places, root
from tests.components.example_gen.conftest import encoded, picture, write, write_shard
from tests.components.example_gen.nights import Night, pets
from trainer_modules import flowers, image_folder, mnist
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task.sources import HashSplit, ImageFiles, ImageFolders

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.mark.parametrize(
    ("window", "read"),
    [("newest", ["4"]), ("1", ["4"]), ("2", ["3", "4"]), ("all", ["1", "3", "4"])],
)
def test_a_window_ends_at_the_newest_span(
    tmp_path: Path,
    night: Callable[..., Night],
    window: str,
    read: list[str],
) -> None:
    for span in (1, 3, 4):
        pets(tmp_path / "data" / f"span-{span}", 10 * span, 10 * span + 5)
    found = night(f"{tmp_path}/data/span-{{SPAN}}", window=window)
    assert [span["span"] for span in found.spans] == [f"span-{n}" for n in read]
    assert [span["newest"] for span in found.spans] == [False] * (len(read) - 1) + [True]
    ids = {i for split in ("train", "eval", "test") for i in found.examples[split]}
    assert len(ids) == 5 * len(read)
    assert {i.split("/")[0] for i in ids} == {f"span-{n}" for n in read}
    for span in found.spans:
        assert sum(span["counts"].values()) == 5
        classes = [name for split in span["classes"].values() for name in split]
        assert set(classes) == {"cat", "dog"}


def test_each_span_has_its_newest_version(
    tmp_path: Path,
    night: Callable[..., Night],
) -> None:
    for number, place in enumerate(("1/v-1", "1/v-2", "2/v-1")):
        pets(tmp_path / "data" / place, 10 * number, 10 * number + 4)
    found = night(f"{tmp_path}/data/{{SPAN}}/v-{{VERSION}}", window="all")
    assert [(s["span"], s["number"], s["version"]) for s in found.spans] == [
        ("1/v-2", 1, 2),
        ("2/v-1", 2, 1),
    ]


@pytest.mark.parametrize("window", ["0", "-1", "some", ""])
def test_what_is_no_window_is_said(window: str) -> None:
    with pytest.raises(BadInputError, match="--window must be newest, all or a number"):
        root.window_size(window)


def test_two_folders_with_one_number_are_an_error(tmp_path: Path) -> None:
    pets(tmp_path / "span-1", 0, 2)
    pets(tmp_path / "span-01", 0, 2)
    with pytest.raises(BadInputError, match="span-01 and span-1 have the same number"):
        root.spans_of(f"{tmp_path}/span-{{SPAN}}")


def test_a_span_of_another_layout_is_named(tmp_path: Path) -> None:
    example = {"image": encoded(picture(0)), "class": 0}
    for shard in ("flowers00-1.tfrec", "flowers01-1.tfrec"):
        write_shard(tmp_path / "span-1" / shard, [example])
    for name in flowers.TASK.problem.names:
        write(tmp_path / "span-2" / name / "1.png", encoded(picture(1)))
    data = f"{tmp_path}/span-{{SPAN}}"
    ingest.prepare(flowers.TASK, data, str(tmp_path))
    with pytest.raises(BadInputError, match="span-1 does not have the layout .* span-2"):
        ingest.prepare(flowers.TASK, data, str(tmp_path), window="all")


def test_every_alternative_layout_may_come_in_spans(tmp_path: Path) -> None:
    for span in ("span-1", "span-2"):
        for name in mnist.TASK.problem.names:
            write(tmp_path / span / name / "1.png", encoded(picture(1)))
    data = f"{tmp_path}/span-{{SPAN}}"
    _, found, source = ingest.prepare(mnist.TASK, data, str(tmp_path), window="2")
    assert (found, type(source)) == (data, ImageFolders)


def test_classes_are_those_of_all_spans(tmp_path: Path) -> None:
    for span, names in (("span-1", ("cat", "dog")), ("span-2", ("bird",))):
        for name in names:
            write(tmp_path / span / name / "1.png", encoded(picture(1)))
    data = f"{tmp_path}/span-{{SPAN}}"
    task, *_ = ingest.prepare(image_folder.TASK, data, str(tmp_path), window="all")
    assert task.problem.names == ("bird", "cat", "dog")
    with pytest.raises(BadInputError, match="only one class: 'bird'"):
        ingest.prepare(image_folder.TASK, data, str(tmp_path))


def test_the_newest_span_is_judged(tmp_path: Path, night: Callable[..., Night]) -> None:
    for span in (1, 2):
        pets(tmp_path / "data" / f"span-{span}", 100 * span, 100 * span + 20)
    data = f"{tmp_path}/data/span-{{SPAN}}"
    found = night(data, window="all")
    newest = {i: d for i, d in found.examples["test"].items() if i.startswith("span-2/")}
    assert newest and found.examples["judged"] == newest != found.examples["test"]
    assert [span["judged"] for span in found.spans] == [False, True]
    assert sum(found.summary["counts"].values()) == 40, "counted once"
    assert "judged" not in night(data, window="all", evaluate="window").examples
    assert "judged" not in night(data).examples
    # Without anything new to judge: the newest that has something.
    shutil.copytree(tmp_path / "data" / "span-2", tmp_path / "data" / "span-3")
    again = night(data, window="all")
    assert again.examples["judged"] == newest
    assert [span["judged"] for span in again.spans] == [False, True, False]
    assert again.spans[2]["duplicates"] == 20


def test_a_fixed_test_set_is_judged_and_never_learnt(
    tmp_path: Path,
    night: Callable[..., Night],
) -> None:
    pets(tmp_path / "data", 0, 20)
    pets(tmp_path / "fixed", 15, 25)
    # Labelled otherwise in training: the test set stays as it is.
    write(tmp_path / "data" / "dog" / "24.png", encoded(picture(24)))
    write(tmp_path / "data" / "cat" / "24.png", encoded(picture(24)))
    found = night(tmp_path / "data", evaluate=str(tmp_path / "fixed"))
    assert len(found.examples["judged"]) == 10
    assert all(i.startswith("fixed/") for i in found.examples["judged"])
    assert sum(len(found.examples[s]) for s in ("train", "eval", "test")) == 15
    assert len(found.duplicates) == 7 and not found.rejected
    assert "judged" not in found.summary["counts"] and len(found.spans) == 1
    with pytest.raises(BadInputError, match=r"--evaluate must be .* Received: /nowhere"):
        ingest.prepare(image_folder.TASK, str(tmp_path / "data"), "", evaluate="/nowhere")


def test_a_pattern_in_the_path_groups_within_its_span(
    tmp_path: Path,
    night: Callable[..., Night],
) -> None:
    """The folder's name in front of an id does not change the group that it is in."""
    source = ImageFolders(splits=HashSplit(eval=0.5, group="^[^/]+/scene-[0-9]+"))
    for span in ("span-1", "span-2"):
        for scene in range(6):
            name = f"scene-{scene}-{span}.png"
            seed = scene + (10 if span == "span-2" else 0)
            write(tmp_path / "data" / span / "cat" / name, encoded(picture(seed)))
    found = night(f"{tmp_path}/data/span-{{SPAN}}", window="all", source=source)
    of_scene: dict[str, set[str]] = {}
    for split in ("train", "eval"):
        for name in found.examples[split]:
            of_scene.setdefault(name.split("scene-")[1][0], set()).add(split)
    assert all(len(splits) == 1 for splits in of_scene.values())
    assert {s for splits in of_scene.values() for s in splits} == {"train", "eval"}


def test_images_to_be_predicted_alone_have_no_training_split(tmp_path) -> None:
    """A gate that found an empty one would refuse them."""
    write(tmp_path / "a.png", encoded(picture(1)))
    problem = Classification(classes=("a", "b"))
    found = places.find(str(tmp_path), [root.Span()], ImageFiles(), problem, ())
    assert places.all_splits(found) == ("unlabelled",)
