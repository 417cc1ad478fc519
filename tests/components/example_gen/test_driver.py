"""What the driver tells the cache of: span, version, and every file that is read."""

import os
import re
from pathlib import Path

import pytest

from components.example_gen.readers.layouts import reader_for
from tests.components.example_gen.conftest import (
    PETS,
    SOURCE,
    component,
    fingerprint_of,
    pets,
    write,
    write_shard,
)
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.sources import (
    ImageFolders,
    TensorFlowDatasets,
)

pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_other_label_names_are_other_data(tmp_path: Path) -> None:
    """Labels become names by that file: the cache must notice when it changes."""
    from components.example_gen.driver import of_files

    write(tmp_path / "dataset_info.json", '{"fileFormat": "tfrecord"}')
    write(tmp_path / "label.labels.txt", "dog\ncat\n")
    for split in ("train", "validation"):
        write_shard(tmp_path / f"pets-{split}.tfrecord-00000-of-00001", [{"label": 0}])
    source = TensorFlowDatasets(name="pets")

    def fingerprint() -> str:
        return of_files(reader_for(str(tmp_path), source, PETS))

    before = fingerprint()
    assert fingerprint() == before
    write(tmp_path / "label.labels.txt", "cat\ndog\n")
    assert fingerprint() != before


def test_latest_span_and_version_are_read(tmp_path):
    for place in ("span-1/v-2", "span-2/v-1", "span-2/v-3"):
        pets(tmp_path / place)
    _, span, version, root = fingerprint_of(component(tmp_path / "span-{SPAN}" / "v-{VERSION}"))
    assert (span, version) == (2, 3)
    assert root == str(tmp_path / "span-2" / "v-3")


def test_no_span(tmp_path):
    with pytest.raises(BadInputError, match="No folder matches"):
        fingerprint_of(component(tmp_path / "span-{SPAN}"))


def test_files_outside_the_split_folders_do_not_matter(tmp_path):
    for split in ("Train", "Valid"):
        pets(tmp_path / split)
    source = ImageFolders(train="Train", eval="Valid")
    first = fingerprint_of(component(tmp_path, source))
    write(tmp_path / "notes.txt", "nothing")
    assert fingerprint_of(component(tmp_path, source)) == first
    os.rename(tmp_path / "Valid" / "cat", tmp_path / "Valid" / "dog" / "cat")
    assert fingerprint_of(component(tmp_path, source)) != first


def test_missing_data_is_a_message_for_people(tmp_path):
    with pytest.raises(BadInputError, match=r"does not exist\. Check --data"):
        fingerprint_of(component(tmp_path / "gone"))


def test_what_is_hashed_is_names_sizes_and_times(tmp_path: Path) -> None:
    """The sum that the cache compares says how much it covers, and sees every kind of change."""
    from components.example_gen.driver import of_files

    file = write(tmp_path / "cat" / "a.png", b"12345")
    write(tmp_path / "dog" / "b.png", b"123")
    os.utime(file, ns=(10**18, 10**18))

    def fingerprint() -> str:
        return of_files(reader_for(str(tmp_path), SOURCE, PETS))

    first = fingerprint()
    assert re.fullmatch("files:2,bytes:8,sha256:[0-9a-f]{32}", first)
    file.write_bytes(b"54321")
    os.utime(file, ns=(10**18, 10**18))
    # Contents are not read: that would take as long as the run.
    assert fingerprint() == first
    os.utime(file, ns=(10**18, 10**18 + 10**9))
    later = fingerprint()
    assert later != first
    file.rename(tmp_path / "cat" / "c.png")
    assert fingerprint() not in (first, later)
    (tmp_path / "cat" / "c.png").unlink()
    # The folder is empty now, and listed as such.
    assert fingerprint().startswith("files:2,bytes:3,")


def test_a_span_keeps_the_name_of_its_folder(tmp_path: Path) -> None:
    """TFX would write the number anew, and look into `span-7` for what lies in `span-007`."""
    from tfx.proto import example_gen_pb2
    from tfx.utils import proto_utils

    from components.example_gen.driver import InputProcessor

    pets(tmp_path / "span-007")
    node = component(tmp_path / "span-{SPAN}")
    given = example_gen_pb2.Input()
    proto_utils.json_to_proto(node.exec_properties["input_config"], given)
    processor = InputProcessor(str(tmp_path), given.splits, None, node.exec_properties)
    assert processor.resolve_span_and_version() == (7, None)
    patterns = [
        processor.get_pattern_for_span_version(split.pattern, 7, None) for split in given.splits
    ]
    assert patterns[0] == "span-007/*" and patterns[3] == "span-007/*/*/*/*"
