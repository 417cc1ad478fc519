"""Statistics from tables of shards are those that TFX's StatisticsGen computes from everything."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines import tasks
from pipelines.config import RunConfig


def _write(folder: Path, key: str, rng: np.random.Generator, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / f"data_tfrecord-{key}")) as writer:
        for i in range(count):
            example = tf.train.Example()
            feature = example.features.feature
            feature["image"].bytes_list.value.append(bytes(int(rng.integers(1, 900))))
            feature["id"].bytes_list.value.append(f"{key}/{i}".encode())
            feature["label"].bytes_list.value.append(str(rng.integers(0, 10)).encode())
            feature["format"].bytes_list.value.append(b"PNG")
            for name in ("height", "width"):
                feature[name].int64_list.value.append(int(rng.integers(8, 64)))
            feature["channels"].int64_list.value.append(1)
            if i % 7:  # Missing here and there.
                feature["brightness"].float_list.value.append(float(rng.uniform()))
            writer.write(example.SerializeToString())


def _run(executor: type, folder: Path, raw: Path, **more: Any) -> dict[str, Any]:
    """Runs an executor on the shards in `raw`; returns split → statistics."""
    import tensorflow_data_validation as tfdv
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import artifact_utils, standard_artifacts

    examples, statistics = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    examples.uri, statistics.uri = str(raw), str(folder / "statistics")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval", "unlabelled"])
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=RunConfig().beam_args, tmp_dir=str(folder / "tmp"), unique_id="0"
    )
    options = tfdv.StatsOptions(schema=tasks.schema(tasks.load("digits")))
    executor(context).Do(
        {"examples": [examples]},
        {"statistics": [statistics]},
        {
            "stats_options_json": options.to_json(),
            "exclude_splits": json.dumps(["unlabelled"]),
            **more,
        },
    )
    splits = artifact_utils.decode_split_names(statistics.split_names)
    left = {path.name for path in (folder / "statistics").iterdir()}
    assert left == {f"Split-{split}" for split in splits}
    return {
        split: tfdv.load_stats_binary(
            str(folder / "statistics" / f"Split-{split}" / "FeatureStats.pb")
        )
        for split in splits
    }


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Two shards of training, one of evaluation, and one without labels."""
    rng = np.random.default_rng(0)
    for split, key, count in (
        *(("train", "1" * 16, 400), ("train", "2" * 16, 150)),
        *(("eval", "3" * 16, 90), ("unlabelled", "4" * 16, 5)),
    ):
        _write(tmp_path / "raw" / f"Split-{split}", key, rng, count)
    return tmp_path / "raw"


def test_the_second_night_reads_what_is_new_and_equals_tfx(
    tfx_ready: None, tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfx.components.statistics_gen import executor as plain

    from components.data_validation import statistics

    read = []
    original = statistics._read

    def counted(shard: Any) -> Any:
        read.append(shard.key[0])
        yield from original(shard)

    monkeypatch.setattr(statistics, "_read", counted)
    store = str(tmp_path / "store")
    _run(statistics.Executor, tmp_path / "first", raw, store=store)
    assert sorted(read) == ["1", "2", "3"]
    _write(raw / "Split-train", "5" * 16, np.random.default_rng(5), 120)
    ours = _run(statistics.Executor, tmp_path / "second", raw, store=store)
    assert read[3:] == ["5"]
    theirs = _run(plain.Executor, tmp_path / "plain", raw)
    assert ours.keys() == theirs.keys() == {"train", "eval"}
    for split, expected in theirs.items():
        assert _comparable(ours[split]) == _comparable(expected)
    train = ours["train"].datasets[0]
    assert train.num_examples == 670
    (image,) = (f for f in train.features if f.path.step[0] == "image")
    assert 300 < image.bytes_stats.avg_num_bytes < 600


def test_without_a_store_everything_is_read_and_nothing_is_left(
    tfx_ready: None, tmp_path: Path, raw: Path
) -> None:
    from components.data_validation.statistics import Executor

    found = _run(Executor, tmp_path / "alone", raw)
    assert found["train"].datasets[0].num_examples == 550


def _comparable(statistics: Any) -> dict[str, Any]:
    """Returns the numbers by feature; quantiles are approximations, and sums depend on order."""
    from google.protobuf import json_format

    (dataset,) = json_format.MessageToDict(statistics)["datasets"]
    features = dataset.pop("features")
    by_name = {feature["path"]["step"][0]: feature for feature in features}
    return {"dataset": dataset, **{name: _rounded(f) for name, f in by_name.items()}}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        # Ids are all different, so any of them are the top ones.
        dropped = {"quantiles", "histograms", "median"}
        if value.get("unique", 0) in ("670", "90"):
            dropped |= {"topValues", "rankHistogram"}
        return {k: _rounded(v) for k, v in value.items() if k not in dropped}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
