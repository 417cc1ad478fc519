"""Tools that several evaluation tests share."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RUNNER = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"


@pytest.fixture(scope="session")
def write_examples(tfx_ready: None) -> Callable[..., Any]:
    """A function that writes raw tf.Examples and returns their artifact."""
    import tensorflow as tf
    from tfx.types import artifact_utils, standard_artifacts

    def feature(value: Any) -> Any:
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        if isinstance(value, float):
            return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    def write(folder: Path, splits: dict[str, list[dict[str, Any]]]) -> Any:
        for split, rows in splits.items():
            path = folder / f"Split-{split}"
            path.mkdir(parents=True)
            with tf.io.TFRecordWriter(str(path / "data-00000-of-00001.gz"), "GZIP") as out:
                for row in rows:
                    features = {name: feature(value) for name, value in row.items()}
                    example = tf.train.Example(features=tf.train.Features(feature=features))
                    out.write(example.SerializeToString())
        examples = standard_artifacts.Examples()
        examples.uri = str(folder)
        examples.split_names = artifact_utils.encode_split_names(list(splits))
        return examples

    return write


@pytest.fixture(scope="session")
def evaluate(tfx_ready: None) -> Callable[..., dict[str, Any]]:
    """A function that runs ImageEvaluator's executor and returns its report."""
    from tfx.types import standard_artifacts
    from tfx.utils import proto_utils

    from components.evaluator import component as evaluator

    # With a container image named, TFX does not pack itself up for workers elsewhere.
    args = [RUNNER, "--sdk_container_image=local"]

    def run(
        output: Path, examples: Any, model: Any, task: Any, baseline: Any = None
    ) -> dict[str, Any]:
        evaluation = standard_artifacts.ModelEvaluation()
        evaluation.uri = str(output)
        inputs = {"examples": [examples], "model": [model]}
        if baseline is not None:
            inputs["baseline_model"] = [baseline]
        evaluator.Executor(evaluator.Executor.Context(beam_pipeline_args=args)).Do(
            inputs,
            {"evaluation": [evaluation]},
            {
                "eval_config": proto_utils.proto_to_json(evaluator.eval_config(task)),
                "example_splits": "null",
                "batch_size": 64,
            },
        )
        report: dict[str, Any] = json.loads((output / "report.json").read_text())
        return report

    return run
