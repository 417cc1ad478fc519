"""The contract of `Problem`, over every kind: from a raw record to gates and the report.

A new kind is tested by adding a case to `cases.py`. The figures of a case are independent of the
kind's own code: scikit-learn's.
"""

import dataclasses
import json
import pickle
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.model_gate.checking import check_gates
from components.report import page
from tests.trainer_modules.engine.problems.cases import (
    CASES,
    COUNT,
    IMAGES,
    SIZE,
    Case,
    raw_labels,
)
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import KINDS, Problem, vocabulary
from trainer_modules.engine.problems.outcomes import WITHOUT_OUTCOMES
from trainer_modules.engine.task import serialisation
from trainer_modules.engine.task.gates import AtLeast, AtMost
from trainer_modules.engine.task.sources import TFRecords
from trainer_modules.engine.task.task import Network, Phase, Task


def test_every_kind_has_a_case() -> None:
    assert {type(case.problem) for case in CASES} == set(KINDS)


def task_of(case: Case) -> Task:
    return Task(
        name="case",
        source=TFRecords(),
        input=IMAGES,
        problem=case.problem,
        model=Network(),
        phases=(Phase(epochs=1),),
        gates=(),
    )


def stored(case: Case) -> list[bytes]:
    """Returns serialized Examples with the transformed label."""
    problem = case.problem
    found = np.concatenate(raw_labels(case))
    kind = tf.string if isinstance(found[0], bytes) else tf.float32
    transformed = problem.transformed_labels(
        {problem.raw_label: tf.constant(list(found), kind)}, IMAGES
    )
    assert set(transformed) == set(problem.label_spec(IMAGES))
    examples = []
    for i in range(len(found)):
        example = tf.train.Example()
        for name, tensor in transformed.items():
            row = np.atleast_1d(tensor[i].numpy()).ravel()
            feature = example.features.feature[name]
            if tensor.dtype == tf.string:
                feature.bytes_list.value.extend(row)
            elif tensor.dtype.is_floating:
                feature.float_list.value.extend(row)
            else:
                feature.int64_list.value.extend(row)
        examples.append(example.SerializeToString())
    return examples


def training_labels(case: Case) -> tf.Tensor:
    spec = case.problem.label_spec(IMAGES)
    return tf.stack(
        [
            case.problem.training_label(tf.io.parse_single_example(one, spec), IMAGES)
            for one in stored(case)
        ]
    )


def network(problem: Problem) -> Any:
    """Returns the smallest network that the kind's last layers fit on."""
    inputs = tf_keras.Input((SIZE, SIZE, 3))
    features = inputs if problem.output_rank == 4 else tf_keras.layers.Flatten()(inputs)
    for layer in problem.output_layers():
        features = layer(features)
    return tf_keras.Model(inputs, features)


def predicted(case: Case) -> dict[str, np.ndarray]:
    """Returns what an untrained network serves for random images."""
    tf_keras.utils.set_random_seed(1)
    images = np.random.default_rng(1).normal(size=(len(case.labels), SIZE, SIZE, 3))
    outputs = network(case.problem)(images.astype(np.float32))
    return {name: value.numpy() for name, value in case.problem.served(outputs).items()}


def test_the_label_trains_a_network(case: Case) -> None:
    problem = case.problem
    labels = training_labels(case)
    assert labels[0].numpy().nbytes == problem.label_bytes(IMAGES)
    model = network(problem)
    assert len(model.output_shape) == problem.output_rank
    assert model.outputs[0].dtype == tf.float32
    metrics = problem.training_metrics()
    assert tuple(metric.name for metric in metrics) == problem.measured
    assert problem.monitor in problem.measured
    assert vocabulary.lower_is_better(problem.monitor) == problem.monitor_is_error
    model.compile("sgd", loss=problem.loss(), weighted_metrics=metrics)
    images = np.random.default_rng(2).normal(size=(len(labels), SIZE, SIZE, 3))
    values = model.train_on_batch(images.astype(np.float32), labels, return_dict=True)
    assert set(values) == {"loss", *problem.measured}
    assert all(np.isfinite(value) for value in values.values())


def test_outputs_are_what_the_kind_says(case: Case) -> None:
    images = np.random.default_rng(2).normal(size=(3, SIZE, SIZE, 3)).astype(np.float32)
    outputs = network(case.problem)(images).numpy()
    if not case.problem.answers_probabilities:
        return
    assert outputs.min() >= 0 and outputs.max() <= 1
    if case.problem.competing and outputs.shape[-1] > 1:
        assert outputs.sum(axis=-1) == pytest.approx(1.0, abs=1e-5)


def test_what_is_served_has_the_promised_form(case: Case) -> None:
    served = predicted(case)
    promised = case.problem.served_outputs
    assert set(served) == set(promised)
    for name, (dtype, shape) in promised.items():
        assert served[name].shape == (len(case.labels), *shape), name
        assert served[name].dtype == (object if dtype == "string" else np.dtype(dtype)), name


def counted(case: Case, parts: list[list[int]]) -> Any:
    """Returns the tally of a partition of the examples, merged as Beam may."""
    served, truth = predicted(case), [case.problem.truth(value) for value in raw_labels(case)]
    merged = case.problem.tally()
    for part in parts:
        tally = case.problem.tally()
        tally.add(
            [truth[i] for i in part],
            [{name: value[i] for name, value in served.items()} for i in part],
            [f"{i}.png" for i in part],
        )
        # Beam sends accumulators between processes.
        merged.merge(pickle.loads(pickle.dumps(tally)))
    return merged


def test_the_evaluation_equals_another_computation_however_it_is_split(case: Case) -> None:
    whole = counted(case, [list(range(COUNT))])
    expected = case.expected(predicted(case), case.labels)
    assert case.metric in expected
    for name, value in expected.items():
        assert whole.metrics()[name] == pytest.approx(value, abs=1e-6), name
    split = counted(case, [[20, 3], list(range(4, 20)), [0, 1, 2], [21, 22, 23]])
    assert split.metrics() == pytest.approx(whole.metrics(), nan_ok=True)
    assert split.per_class().keys() == whole.per_class().keys()
    assert split.details().get("most_wrong") == whole.details().get("most_wrong")
    assert whole.metrics()["example_count"] == COUNT


def test_outcomes_give_the_tallys_figures_under_any_weights(case: Case) -> None:
    """Under equal weights, and under 0, 1 and 2 the figures of a tally that counts so often."""
    served, truth = predicted(case), [case.problem.truth(value) for value in raw_labels(case)]
    answers = [{name: value[i] for name, value in served.items()} for i in range(COUNT)]
    tally = case.problem.tally()
    parts = [tally.columns(truth[a:b], answers[a:b]) for a, b in ((0, 7), (7, COUNT), (0, 0))]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    outcomes = tally.outcomes(columns)
    assert len(outcomes) == COUNT and outcomes.counted.all()
    times = np.array([[1] * COUNT, [i % 3 for i in range(COUNT)]])
    overall = [name for name in tally.metrics() if name not in WITHOUT_OUTCOMES]
    values = {name: outcomes.overall(name, times.astype(float)) for name in overall}
    row = next(iter(tally.per_class().values()), {})
    of_class = [name for name in row if name not in WITHOUT_OUTCOMES]
    each = {name: outcomes.of_classes(name, times.astype(float)) for name in of_class}
    for k, counts in enumerate(times):
        drawn = np.repeat(np.arange(COUNT), counts)
        again = case.problem.tally()
        again.add([truth[i] for i in drawn], [answers[i] for i in drawn], [f"{i}" for i in drawn])
        metrics, per_class = again.metrics(), again.per_class()
        assert {name: value[k] for name, value in values.items()} == pytest.approx(
            {name: metrics[name] for name in overall}, abs=1e-6, nan_ok=True
        )
        for name in of_class:
            expected = [per_class[of][name] for of in outcomes.classes]
            assert each[name][:, k] == pytest.approx(expected, abs=1e-6), name
    drawn = np.repeat(np.arange(COUNT), times[1])
    equal = outcomes.taken(drawn).overall(case.metric, np.ones((1, len(drawn))))
    assert equal[0] == pytest.approx(values[case.metric][1])
    both = outcomes.followed_by(outcomes)
    assert len(both) == 2 * COUNT and both.classes == outcomes.classes


def test_fractions_of_examples_say_what_they_count(case: Case) -> None:
    served, truth = predicted(case), [case.problem.truth(value) for value in raw_labels(case)]
    answers = [{name: value[i] for name, value in served.items()} for i in range(COUNT)]
    tally = case.problem.tally()
    outcomes, whole = (
        tally.outcomes(tally.columns(truth, answers)),
        counted(case, [[*range(COUNT)]]),
    )
    told = [(None, whole.metrics()), *whole.per_class().items()]
    for class_name, metrics in told:
        for name, value in metrics.items():
            held = outcomes.fraction(name, class_name)
            if held is not None and held[1].any():
                assert held[0][held[1]].mean() == pytest.approx(value), (class_name, name)
            # What is said to be a fraction of examples can be compared in pairs.
            assert held or class_name or not vocabulary.measure(name).of_examples, name


def test_metrics_keep_to_their_meaning(case: Case) -> None:
    tally = counted(case, [list(range(COUNT))])
    for name, value in tally.metrics().items():
        meaning = vocabulary.measure(name)
        assert np.isnan(value) or meaning.low - 1e-9 <= value <= meaning.high + 1e-9, name
    shown = case.problem.shown
    # Where there are few classes, top-5 and the like are missing; nothing may be made up.
    known = {*tally.metrics(), "top_5_accuracy", "auc"}
    assert {*shown.headline, *shown.of_slices} <= known
    assert bool(tally.per_class()) == bool(case.problem.names) == bool(shown.of_class)
    for row in tally.per_class().values():
        assert vocabulary.of_class(row).score == shown.score
        assert vocabulary.of_class(row).counted == shown.counted


def test_the_details_are_json_and_enough_for_the_chance_gate(case: Case) -> None:
    details = json.loads(json.dumps(counted(case, [list(range(COUNT))]).details()))
    assert details["kind"] and "chance" in details
    assert bool(details.get("per_class")) == bool(case.problem.names)
    assert not details.get("unknown_labels")


def test_sections_of_the_report_exist(case: Case) -> None:
    assert set(case.problem.shown.sections) <= {section.key for section in page.SECTIONS}


def test_gates_are_checked_before_any_data_is_read(case: Case) -> None:
    gate = AtMost if vocabulary.measure(case.metric).error else AtLeast
    check_gates(dataclasses.replace(task_of(case), gates=(gate(case.metric, 0.5),)))
    with pytest.raises(BadInputError, match="metric"):
        check_gates(dataclasses.replace(task_of(case), gates=(gate("beauty", 0.5),)))
    each = (gate(case.problem.shown.score or case.metric, 0.5, each_class=True),)
    if case.problem.names:
        check_gates(dataclasses.replace(task_of(case), gates=each))
    else:
        with pytest.raises(BadInputError, match="has none"):
            check_gates(dataclasses.replace(task_of(case), gates=each))


def test_it_is_stored_and_read_again(case: Case) -> None:
    assert serialisation.from_json(serialisation.to_json(case.problem)) == case.problem
    assert case.problem.title == type(case.problem).__name__
