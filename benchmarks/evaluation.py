"""What judging class by class costs: Report beside TFMA's own ways, on the same data.

    python benchmarks/evaluation.py [--examples 5000] [--classes 101] [--repeat 3] [--skip-binarize]

Prints the seconds of a TFMA evaluation with overall metrics only (accuracy, log loss, top-5),
with Report (every class, confusion matrix, calibration, examples; overall ones included),
and with TFMA's `binarize` (precision and recall of every class), and the ratios to the first. The
model only reads stored probabilities, so that nothing but the evaluation is measured.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from pipelines import startup

startup.prepare()

import apache_beam as beam
import tensorflow as tf
import tensorflow_model_analysis as tfma
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tensorflow_model_analysis.proto import config_pb2
from tfx_bsl.tfxio import tf_example_record

from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task import serialisation


def write_examples(path: str, examples: int, classes: int) -> None:
    """Writes examples whose `p` is a softmax of noise that leans towards the true class."""
    rng = np.random.default_rng(0)
    with tf.io.TFRecordWriter(path) as out:
        for i in range(examples):
            label = int(rng.integers(classes))
            logits = rng.normal(size=classes)
            logits[label] += 3
            p = np.exp(logits) / np.exp(logits).sum()
            features = {
                "p": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[p.astype(np.float32).tobytes()])
                ),
                "label": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[f"class {label}".encode()])
                ),
                "index": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
                "id": tf.train.Feature(
                    bytes_list=tf.train.BytesList(value=[f"{i:06d}.jpg".encode()])
                ),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            out.write(example.SerializeToString())


class Stored(tf.Module):
    """Answers with the probabilities that the example carries."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self._classes = classes

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns a classifier's served prediction."""
        parsed = tf.io.parse_example(examples, {"p": tf.io.FixedLenFeature([], tf.string)})
        p = tf.reshape(tf.io.decode_raw(parsed["p"], tf.float32), [-1, self._classes])
        best = tf.argmax(p, axis=1)
        return {
            "probabilities": p,
            "label": tf.strings.join(["class ", tf.as_string(best)]),
            "score": tf.reduce_max(p, axis=1),
        }


def configuration(way: str, classes: int) -> Any:
    """Returns the EvalConfig of one way of measuring."""
    if way == "Report":
        problem = Classification(classes=tuple(f"class {i}" for i in range(classes)))
        metric = tfma.MetricConfig(
            class_name="Report",
            module="components.evaluator.metrics",
            config=json.dumps({"problem": serialisation.to_plain(problem)}),
        )
        spec, label, prediction = tfma.MetricsSpec(metrics=[metric]), "label", ""
    else:
        overall = ("SparseCategoricalAccuracy", "SparseCategoricalCrossentropy")
        each = ("Precision", "Recall") if way == "binarize" else ()
        top = tfma.MetricConfig(
            class_name="SparseTopKCategoricalAccuracy", config='{"k": 5, "name": "top_5"}'
        )
        spec = tfma.MetricsSpec(
            metrics=[*(tfma.MetricConfig(class_name=name) for name in overall), top]
        )
        label, prediction = "index", "probabilities"
    config = tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                signature_name="examples",
                label_key=label,
                prediction_key=prediction,
                model_type=tfma.TF_GENERIC,
            )
        ],
        metrics_specs=[spec],
        slicing_specs=[tfma.SlicingSpec()],
    )
    if way == "binarize":
        config.metrics_specs.append(
            tfma.MetricsSpec(
                metrics=[tfma.MetricConfig(class_name=name) for name in each],
                binarize=config_pb2.BinarizationOptions(class_ids={"values": list(range(classes))}),
            )
        )
    config.options.include_default_metrics.value = False
    return config


def seconds(way: str, data: str, model: str, classes: int) -> float:
    """Returns the wall-clock seconds of one evaluation."""
    config = configuration(way, classes)
    shared = tfma.default_eval_shared_model(model, eval_config=config)
    source = tf_example_record.TFExampleRecord(
        data, raw_record_column_name=tfma.ARROW_INPUT_COLUMN, telemetry_descriptors=["benchmark"]
    )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as output, beam.Pipeline(FnApiRunner()) as pipeline:
        _ = (
            pipeline
            | source.BeamSource(512)
            | tfma.ExtractEvaluateAndWriteResults(
                eval_shared_model=shared, eval_config=config, output_path=output
            )
        )
    return time.perf_counter() - started


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--classes", type=int, default=101)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--skip-binarize", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data, model = f"{folder}/data.tfrecord", f"{folder}/model"
        write_examples(data, args.examples, args.classes)
        module = Stored(args.classes)
        tf.saved_model.save(module, model, signatures={"examples": module.serve})
        seconds("overall", data, model, args.classes)  # loads what is loaded once
        ways = ["overall", "Report"] + ([] if args.skip_binarize else ["binarize"])
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(args.repeat):
            # Side by side, so that a busy moment of the machine strikes all of them.
            for way in ways:
                if way != "binarize" or not taken[way]:
                    taken[way].append(seconds(way, data, model, args.classes))
    base = statistics.median(taken["overall"])
    print(
        f"{args.examples} examples, {args.classes} classes, median of {args.repeat} (binarize: 1)"
    )
    for way in ways:
        median = statistics.median(taken[way])
        print(f"{way:12} {median:7.2f} s   ratio {median / base:5.2f}")
    ratio = statistics.median(taken["Report"]) / base
    print(f"limit for Report: 1.30; measured {ratio:.2f}")


if __name__ == "__main__":
    main()
