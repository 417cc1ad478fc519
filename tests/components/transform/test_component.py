import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Pillow

from pipelines import tasks
from pipelines.config import RunConfig
from trainer_modules import digits
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Task


def _example(features: dict) -> bytes:
    made = {}
    for name, value in features.items():
        if isinstance(value, bytes):
            made[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        elif isinstance(value, int):
            made[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        else:
            made[name] = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    return tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()


Parsed = dict[str, dict[str, dict[str, list]]]
Records = list[dict[str, Any]]


def _write(folder: Path, records: dict[str, dict[str, Records]]) -> None:
    """Writes raw Examples: split → shard → records."""
    for split, shards in records.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        for name, examples in shards.items():
            with tf.io.TFRecordWriter(str(folder / f"Split-{split}" / name)) as writer:
                for example in examples:
                    writer.write(_example(example))


def _run(
    executor: type,
    folder: Path,
    records: dict[str, dict[str, Records]],
    *,
    schema_text: str,
    function: str,
    config: dict[str, Any],
) -> Parsed:
    """Runs an executor; returns split → id → feature → values."""
    from tfx.dsl.components.base import base_beam_executor
    from tfx.proto import transform_pb2
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import proto_utils

    raw, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
    graph, out = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    for artifact, name in ((raw, "raw"), (schema, "schema"), (graph, "graph"), (out, "out")):
        artifact.uri = str(folder / name)
    raw.split_names = artifact_utils.encode_split_names(list(records))
    _write(folder / "raw", records)
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_text(schema_text)
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=RunConfig().beam_args, tmp_dir=str(folder / "tmp"), unique_id="0"
    )
    executor(context).Do(
        {"examples": [raw], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [out]},
        {
            "preprocessing_fn": function,
            "custom_config": json.dumps(config),
            "splits_config": proto_utils.proto_to_json(
                transform_pb2.SplitsConfig(analyze=["train"], transform=list(records))
            ),
            "disable_statistics": 1,
            "force_tf_compat_v1": 0,
        },
    )
    assert artifact_utils.decode_split_names(out.split_names) == list(records)
    return {split: _read(folder / "out" / f"Split-{split}") for split in records}


def _read(folder: Path) -> dict[str, dict[str, list]]:
    by_id = {}
    for file in folder.iterdir():
        compression = "GZIP" if file.name.endswith(".gz") else ""
        for record in tf.data.TFRecordDataset(str(file), compression).as_numpy_iterator():
            example = tf.train.Example.FromString(record)
            names = example.features.feature
            by_id[_values(example, "id")[0].decode()] = {n: _values(example, n) for n in names}
    return by_id


def _task_config(task: Task) -> dict[str, Any]:
    return {k: overrides.to_json(getattr(task, k)) for k in ("input", "problem")}


def _transform(task: Task, records: dict[str, Records], folder: Path) -> dict[str, list]:
    """Runs the component; returns each split's features by `id`."""
    from google.protobuf import text_format

    from components.transform.component import Executor

    parsed = _run(
        Executor,
        folder,
        {split: {"data-0": examples} for split, examples in records.items()},
        schema_text=text_format.MessageToString(tasks.schema(task)),
        function=f"trainer_modules.{task.module}.preprocessing_fn",
        config=_task_config(task),
    )
    for split in records:
        (file,) = (folder / "out" / f"Split-{split}").iterdir()
        assert not file.name.endswith(".gz")
    return {split: [found[k] for k in sorted(found)] for split, found in parsed.items()}


def _values(example: tf.train.Example, name: str) -> list:
    feature = example.features.feature[name]
    return list(getattr(feature, feature.WhichOneof("kind")).value)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (12, 8, 8), dtype=np.uint8)


def _raw(pictures: np.ndarray) -> Records:
    found = []
    for i, picture in enumerate(pictures):
        out = io.BytesIO()
        Pillow.fromarray(picture).save(out, "PNG")
        found.append(
            {
                "image": out.getvalue(),
                "label": str(i % 10).encode(),
                "id": f"{i:02d}".encode(),
                **{"height": 8, "width": 8, "channels": 1},
                "format": b"PNG",
                "brightness": 0.5,
            }
        )
    return found


def test_stores_encoded_pixels_labels_as_indices_and_the_training_sets_moments(
    tfx_ready, pictures, tmp_path
) -> None:
    task = replace(digits.TASK, input=replace(digits.TASK.input, scaling="standardise"))
    found = _transform(task, {"train": _raw(pictures[:9]), "eval": _raw(pictures[9:])}, tmp_path)
    assert {split: len(e) for split, e in found.items()} == {"train": 9, "eval": 3}
    for example, picture in zip(found["train"], pictures, strict=False):
        (encoded,) = example["image"]
        assert encoded.startswith(b"\x89PNG")
        assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(encoded))), picture)
    assert [e["label"] for e in found["train"]] == [[i] for i in range(9)]
    # Of the training split alone, in every example of both.
    for example in found["train"] + found["eval"]:
        assert example["mean"] == pytest.approx([pictures[:9].mean()], rel=1e-5)
        assert example["deviation"] == pytest.approx([pictures[:9].std()], rel=1e-4)


def test_rows_are_standardised_by_column(tfx_ready, tmp_path) -> None:
    task = tasks.load("boston_housing:all")
    rng = np.random.default_rng(0)
    names = (*task.input.columns, task.problem.target)
    rows = rng.normal(7, 3, (20, len(names)))
    records = [
        {**dict(zip(names, map(float, row), strict=True)), "id": str(i).encode()}
        for i, row in enumerate(rows)
    ]
    (first, *_) = _transform(task, {"train": records}, tmp_path)["train"]
    assert first["mean"] == pytest.approx(list(rows[:, :-1].mean(0)), rel=1e-4)
    assert first["deviation"] == pytest.approx(list(rows[:, :-1].std(0)), rel=1e-3)
    assert first["target"] == pytest.approx([rows[0, -1]], rel=1e-5)


def _images() -> tuple[str, str, dict[str, Any], Records]:
    """Images whose channels are standardised."""
    from google.protobuf import text_format

    task = replace(digits.TASK, input=replace(digits.TASK.input, scaling="standardise"))
    pictures = np.random.default_rng(4).integers(0, 256, (9, 8, 8), dtype=np.uint8)
    schema = text_format.MessageToString(tasks.schema(task))
    return schema, "trainer_modules.digits.preprocessing_fn", _task_config(task), _raw(pictures)


def _rows() -> tuple[str, str, dict[str, Any], Records]:
    """Rows whose columns are standardised."""
    from google.protobuf import text_format

    task = tasks.load("boston_housing:all")
    names = (*task.input.columns, task.problem.target)
    rows = np.random.default_rng(0).normal(7, 3, (9, len(names)))
    records = [
        {**dict(zip(names, map(float, row), strict=True)), "id": f"{i:02d}".encode()}
        for i, row in enumerate(rows)
    ]
    schema = text_format.MessageToString(tasks.schema(task))
    function = "trainer_modules.boston_housing.preprocessing_fn"
    return schema, function, _task_config(task), records


def _masks() -> tuple[str, str, dict[str, Any], Records]:
    """Images with masks; nothing is analysed."""
    from google.protobuf import text_format

    task = overrides.apply(tasks.load("camvid"), ["input.height=32", "input.width=32"])
    rng = np.random.default_rng(1)

    def png(pixels: np.ndarray) -> bytes:
        return tf.io.encode_png(pixels).numpy()

    records = [
        {
            "image": png(rng.integers(0, 256, (40, 48, 3), dtype=np.uint8)),
            "mask": png(rng.integers(0, 11, (40, 48, 1), dtype=np.uint8)),
            "id": f"{i:02d}".encode(),
            **{"height": 40, "width": 48, "channels": 3, "format": b"PNG", "brightness": 0.5},
        }
        for i in range(9)
    ]
    schema = text_format.MessageToString(tasks.schema(task))
    return schema, "trainer_modules.camvid.preprocessing_fn", _task_config(task), records


def _own(function: str) -> tuple[str, str, dict[str, Any], Records]:
    """A task file's own function, whose analysis reaches every example."""
    text = "".join(
        f'feature {{ name: "{name}" type: {kind} presence {{ min_fraction: 1 }} '
        "shape { dim { size: 1 } } }\n"
        for name, kind in (("id", "BYTES"), ("word", "BYTES"), ("x", "FLOAT"))
    )
    records = [
        {"id": f"{i:02d}".encode(), "x": float(i * i), "word": b"abc"[i % 3 : i % 3 + 1]}
        for i in range(9)
    ]
    return text, f"tests.components.transform.preprocessing.{function}", {}, records


@pytest.mark.parametrize(
    ("kind", "computed"),
    [
        (_rows, 1),
        pytest.param(_images, 1, marks=pytest.mark.slow),
        pytest.param(_masks, 1, marks=pytest.mark.slow),
        pytest.param(lambda: _own("scaled"), 4, marks=pytest.mark.slow),
        pytest.param(lambda: _own("vocabulary"), 4, marks=pytest.mark.slow),
    ],
    ids=["rows", "images", "masks", "scaled", "vocabulary"],
)
def test_the_second_night_computes_what_is_new_and_equals_tfx(
    tfx_ready: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Callable[[], tuple[str, str, dict[str, Any], Records]],
    computed: int,
) -> None:
    from tfx.components.transform import executor as transform_executor

    from components.transform import component, shards

    schema, function, config, records = kind()
    old, newer, new, held = "1" * 16, "2" * 16, "3" * 16, "4" * 16
    night = {
        "train": {f"data_tfrecord-{old}": records[:3], f"data_tfrecord-{newer}": records[3:5]},
        "eval": {f"data_tfrecord-{held}": records[7:]},
    }
    added = {f"data_tfrecord-{new}": records[5:7]}
    next_night = {**night, "train": night["train"] | added}
    own = config | {"store": str(tmp_path / "store")}
    done = []
    transform = shards.transform

    def counted(work: Any, shard: Any, folder: str) -> None:
        done.append(shard.key)
        transform(work, shard, folder)

    monkeypatch.setattr(shards, "transform", counted)

    def run(executor: type, name: str, data: Any, given: dict[str, Any]) -> Parsed:
        return _run(
            executor, tmp_path / name, data, schema_text=schema, function=function, config=given
        )

    run(component.Executor, "first", night, own)
    assert sorted(done) == [old, newer, held]
    ours = run(component.Executor, "second", next_night, own)
    assert len(done) == 3 + computed
    theirs = run(transform_executor.Executor, "plain", next_night, config)
    assert {split: len(found) for split, found in ours.items()} == {"train": 7, "eval": 2}
    _check_equal(ours, theirs)


def _check_equal(ours: Parsed, theirs: Parsed) -> None:
    """Checks equality; analysed numbers may differ by the order of the additions."""
    assert {k: sorted(v) for k, v in ours.items()} == {k: sorted(v) for k, v in theirs.items()}
    for split, examples in theirs.items():
        for name, features in examples.items():
            mine = ours[split][name]
            assert mine.keys() == features.keys()
            for feature, values in features.items():
                floats = values and isinstance(values[0], float)
                expected = pytest.approx(values, rel=1e-5) if floats else values
                assert mine[feature] == expected, feature


def test_an_unchanged_shard_is_linked_and_other_settings_are_computed(
    tfx_ready: None, tmp_path: Path, pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.protobuf import text_format

    from components.transform.component import Executor

    schema = text_format.MessageToString(tasks.schema(digits.TASK))
    data = {"train": {f"data_tfrecord-{'1' * 16}": _raw(pictures[:4])}}

    def inode(name: str, task: Task) -> int:
        config = _task_config(task) | {"store": str(tmp_path / "store")}
        _run(
            Executor,
            tmp_path / name,
            data,
            schema_text=schema,
            function="trainer_modules.digits.preprocessing_fn",
            config=config,
        )
        (file,) = (tmp_path / name / "out" / "Split-train").iterdir()
        return file.stat().st_ino

    first = inode("a", digits.TASK)
    with monkeypatch.context() as patched:
        # Nothing is analysed, so nothing at all is read.
        patched.setattr(Executor, "_make_beam_pipeline", None)
        assert inode("b", digits.TASK) == first
    larger = replace(digits.TASK, input=replace(digits.TASK.input, height=10, width=10))
    assert inode("c", larger) != first
