import io
import json
from dataclasses import replace
from pathlib import Path

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


def _transform(task: Task, records: dict[str, list[dict]], folder: Path) -> dict[str, list]:
    """Runs the component; returns each split's parsed Examples by `id`."""
    from google.protobuf import text_format
    from tfx.dsl.components.base import base_beam_executor
    from tfx.proto import transform_pb2
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import proto_utils

    from components.transform.component import Executor

    raw, schema = standard_artifacts.Examples(), standard_artifacts.Schema()
    graph, out = standard_artifacts.TransformGraph(), standard_artifacts.Examples()
    for artifact, name in ((raw, "raw"), (schema, "schema"), (graph, "graph"), (out, "out")):
        artifact.uri = str(folder / name)
    raw.split_names = artifact_utils.encode_split_names(list(records))
    for split, examples in records.items():
        (folder / "raw" / f"Split-{split}").mkdir(parents=True)
        with tf.io.TFRecordWriter(str(folder / "raw" / f"Split-{split}" / "data-0")) as writer:
            for example in examples:
                writer.write(_example(example))
    (folder / "schema").mkdir()
    (folder / "schema" / "schema.pbtxt").write_text(text_format.MessageToString(tasks.schema(task)))
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=RunConfig().beam_args, tmp_dir=str(folder / "tmp"), unique_id="0"
    )
    Executor(context).Do(
        {"examples": [raw], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [out]},
        {
            "preprocessing_fn": f"trainer_modules.{task.module}.preprocessing_fn",
            "custom_config": json.dumps(
                {k: overrides.to_json(getattr(task, k)) for k in ("input", "problem")}
            ),
            "splits_config": proto_utils.proto_to_json(
                transform_pb2.SplitsConfig(analyze=["train"], transform=list(records))
            ),
            "disable_statistics": 1,
            "force_tf_compat_v1": 0,
        },
    )
    found = {}
    for split in records:
        files = sorted((folder / "out" / f"Split-{split}").iterdir())
        assert files and not any(f.name.endswith(".gz") for f in files)
        parsed = [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(files)]
        found[split] = sorted(parsed, key=lambda e: e.features.feature["id"].bytes_list.value[0])
    return found


def _values(example: tf.train.Example, name: str) -> list:
    feature = example.features.feature[name]
    return list(getattr(feature, feature.WhichOneof("kind")).value)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (12, 8, 8), dtype=np.uint8)


def _raw(pictures: np.ndarray) -> list[dict]:
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
        (encoded,) = _values(example, "image")
        assert encoded.startswith(b"\x89PNG")
        assert np.array_equal(np.asarray(Pillow.open(io.BytesIO(encoded))), picture)
    assert [_values(e, "label") for e in found["train"]] == [[i] for i in range(9)]
    # Of the training split alone, in every example of both.
    for example in found["train"] + found["eval"]:
        assert _values(example, "mean") == pytest.approx([pictures[:9].mean()], rel=1e-5)
        assert _values(example, "deviation") == pytest.approx([pictures[:9].std()], rel=1e-4)


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
    assert _values(first, "mean") == pytest.approx(list(rows[:, :-1].mean(0)), rel=1e-4)
    assert _values(first, "deviation") == pytest.approx(list(rows[:, :-1].std(0)), rel=1e-3)
    assert _values(first, "target") == pytest.approx([rows[0, -1]], rel=1e-5)
