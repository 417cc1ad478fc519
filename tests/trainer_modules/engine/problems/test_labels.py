"""The labels' part of the contract, over every kind: what is read, refused, compared and stored."""

import numpy as np
import pytest

from components.example_gen import checking
from tests.trainer_modules.engine.problems.cases import IMAGES, Case, examined, raw_labels
from trainer_modules.engine.problems import LabelError, labels


def test_a_label_is_read_checked_and_counted(case: Case) -> None:
    for label, checked in zip(case.labels, examined(case.problem, case.labels), strict=True):
        assert isinstance(checked, checking.Checked), checked
        assert set(checked.classes) <= set(case.problem.names)
        if not isinstance(label, bytes):
            # One form for each label, so that copies of an image can be compared.
            text = case.problem.label_text(label)
            assert case.problem.label_text((text,)) == text
            assert case.problem.label_text((text.encode(),)) == text


def test_what_is_no_label_is_refused_with_the_reason(case: Case) -> None:
    if isinstance(case.wrong, bytes):
        (rejected,) = examined(case.problem, [case.wrong])
        assert rejected.reason
        return
    with pytest.raises(LabelError, match="."):
        case.problem.label_text(case.wrong)
    with pytest.raises(LabelError):
        case.problem.read_mask(b"", size=(1, 1))


def test_what_is_stored_for_training_has_the_spec_it_is_read_with(case: Case) -> None:
    import tensorflow as tf

    values = np.concatenate(raw_labels(case)).tolist()
    kind = tf.string if isinstance(values[0], bytes) else tf.float32
    raw = {case.problem.raw_label: tf.constant(values, kind)}
    stored = case.problem.transformed_labels(raw, IMAGES)
    spec = case.problem.label_spec(IMAGES)
    assert set(stored) == set(spec)
    for name, tensor in stored.items():
        assert tensor.dtype == spec[name].dtype and len(tensor) == len(values)
        assert tensor.shape[1:] == spec[name].shape


def test_counts_are_those_of_the_labels(case: Case) -> None:
    """Of the kinds that count: how many examples have each class, by the names in their labels."""
    problem = case.problem
    if not problem.counts_labels:
        with pytest.raises(NotImplementedError, match="does not count labels"):
            problem.label_counts(np.zeros(3, np.int64))
        return
    import tensorflow as tf

    texts = [problem.label_text(values) for values in case.labels]
    stored = problem.transformed_labels({"label": tf.constant(texts)}, IMAGES)["label"].numpy()
    expected = [sum(name in problem.counted_as(text) for text in texts) for name in problem.names]
    assert problem.label_counts(stored).tolist() == expected
    wrong = problem.transformed_labels({"label": tf.constant(["wolf"])}, IMAGES)["label"].numpy()
    with pytest.raises(LabelError, match="1 have a"):
        problem.label_counts(wrong)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([b"cat"], "cat"),
        (np.array([["K\u00e4tzchen".encode()]], object), "K\u00e4tzchen"),
        ([b"caf\xe9"], r"caf\xe9"),
        ([7], "7"),
    ],
)
def test_one_value_as_text(value: object, text: str) -> None:
    assert labels.single_text(value) == text


@pytest.mark.parametrize("values", [[], [b"cat", b"dog"]])
def test_no_value_and_several_are_not_one(values: list[bytes]) -> None:
    with pytest.raises(ValueError, match=f"must be one value. Received: {len(values)} values"):
        labels.single_text(values)
