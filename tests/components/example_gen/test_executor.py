"""The executor inside TFX's artifacts, and ingestion over Beam."""

import json
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from tests.components.example_gen.conftest import (
    PETS,
    component,
    encoded,
    parse,
    pets,
    picture,
    write,
)
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.sources import HashSplit, ImageFolders, LabelledPaths, PathTable

pytestmark = pytest.mark.usefixtures("tfx_ready")
RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"


def _do(data: Path, output: Path, source: Any) -> tuple[Any, Path]:
    """Runs the executor as TFX does; returns its `examples` and the folder of `rejected`."""
    from tfx.types import standard_artifacts

    from components.example_gen.artifacts import RejectedExamples
    from components.example_gen.executor import Executor

    examples, rejected = standard_artifacts.Examples(), RejectedExamples()
    examples.uri, rejected.uri = str(output / "examples"), str(output / "rejected")
    # With a container image named, TFX does not pack itself up for workers elsewhere.
    context = Executor.Context(beam_pipeline_args=[RUNNER, "--sdk_container_image=local"])
    Executor(context).Do(
        {},
        {"examples": [examples], "rejected": [rejected]},
        dict(component(data, source).exec_properties),
    )
    return examples, output / "rejected"


def test_artifacts_are_complete_and_the_work_is_cleared_away(tmp_path: Path) -> None:
    from tfx.types import artifact_utils

    pets(tmp_path / "data", count=5)
    write(tmp_path / "data" / "cat" / "bad.png", b"no image")
    source = ImageFolders(splits=HashSplit(eval=0.3, test=0.3))
    examples, rejected = _do(tmp_path / "data", tmp_path, source)
    splits = artifact_utils.decode_split_names(examples.split_names)
    assert splits == ["train", "eval", "test"]
    # Written down, not only what TFX assumes where nothing is.
    assert examples.get_string_custom_property("payload_format") == "FORMAT_TF_EXAMPLE"
    counts = {}
    for split in splits:
        files = Path(artifact_utils.get_split_uri([examples], split)).iterdir()
        records = tf.data.TFRecordDataset([str(f) for f in files]).as_numpy_iterator()
        counts[split] = len([parse(record)["label"] for record in records])
    summary = json.loads((rejected / "summary.json").read_text())
    assert summary["counts"] == counts and sum(counts.values()) == 5
    assert json.loads((rejected / "rejected.jsonl").read_text())["id"] == "cat/bad.png"
    names = {path.name for path in rejected.iterdir()}
    lists = {"summary.json", "rejected.jsonl", "converted.jsonl"}
    assert names == lists | {"spans.json", "records"}


def test_data_without_examples_are_bad_input(tmp_path: Path) -> None:
    write(tmp_path / "data" / "list.csv", "path,label\n")
    source = PathTable(paths=LabelledPaths(csv="list.csv"))
    with pytest.raises(BadInputError, match=f"{tmp_path}/data: there are no examples"):
        _do(tmp_path / "data", tmp_path, source)


def test_splits_that_end_up_empty_have_a_file(ingest, tmp_path):
    write(tmp_path / "data" / "cat" / "one.png", encoded(picture(1)))
    found = ingest(tmp_path / "data", ImageFolders(splits=HashSplit(eval=1e-9)), PETS)
    assert found.summary["counts"] == {"train": 1, "eval": 0}
