"""One of several classes: names and indices, loss and metrics, and what is served."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from trainer_modules.engine.problems import Classification, LabelError

PETS = Classification(classes=("cat", "dog", "fox"))


def probabilities(count: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), count).astype(np.float32)
    return p, rng.integers(0, classes, count)


@pytest.mark.parametrize(
    ("values", "names", "text"),
    [
        (("dog",), (), "dog"),
        ((b"fox",), (), "fox"),
        ((2,), (), "fox"),
        # The data's own order of its names wins over the task's.
        ((2,), ("fox", "dog", "cat"), "cat"),
    ],
)
def test_a_class_is_named_or_numbered(values: Any, names: Any, text: str) -> None:
    assert PETS.label_text(values, names) == text
    assert PETS.raw_labels(text) == {"label": [text.encode()]}


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("dgo",), "must be one of cat, dog, fox. Received: 'dgo' (did you mean 'dog'?)"),
        (("zebra",), "must be one of cat, dog, fox. Received: 'zebra'"),
        ((3,), "label 3 is not an index into 3 classes"),
        ((-1,), "label -1 is not an index into 3 classes"),
        (("cat", "dog"), "Received: ''"),
        ((), "Received: ''"),
    ],
)
def test_what_is_no_class_is_refused(values: Any, says: str) -> None:
    with pytest.raises(LabelError) as refused:
        PETS.label_text(values)
    assert str(refused.value).endswith(says)


def test_of_many_classes_the_message_shows_a_few() -> None:
    many = Classification(classes=tuple(f"c{i:02}" for i in range(40)))
    with pytest.raises(LabelError, match=r"c00, .*, c11, … \(40\)\. Received"):
        many.label_text(("zebra",))


def test_a_class_may_not_be_named_twice() -> None:
    with pytest.raises(ValueError, match="classes must be distinct. Received twice: cat"):
        Classification(classes=("cat", "dog", "cat"))


def test_classes_left_open_are_taken_from_the_data_once() -> None:
    known = Classification().with_classes(("a", "b"))
    assert known.classes == ("a", "b")
    assert known.with_classes(("x", "y")) is known


def test_labels_become_indices_by_name() -> None:
    import tensorflow as tf

    names = tf.constant([b"9", b"0", b"nine"])
    assert Classification(classes=("0", "9")).label_index(names).numpy().tolist() == [1, 0, -1]


def test_the_stored_label_is_shown_by_name() -> None:
    import tensorflow as tf

    for index, text in ((2, "fox"), (-1, "")):
        example = tf.train.Example()
        example.features.feature["label"].int64_list.value.append(index)
        assert PETS.stored_label_text(example.features.feature) == text


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_is_cross_entropy_with_smoothed_targets(smoothing: float) -> None:
    p, labels = probabilities(50, 3)
    target = np.eye(3)[labels] * (1 - smoothing) + smoothing / 3
    expected = -(target * np.log(p)).sum(axis=1)
    loss = PETS.loss(smoothing)
    assert float(loss(labels, p)) == pytest.approx(expected.mean(), rel=1e-5)
    # An example that weighs nothing must not count, in either form.
    weights = np.arange(50) % 2
    weighted = float(loss(labels, p, sample_weight=weights))
    assert weighted == pytest.approx((expected * weights).sum() / 50, rel=1e-5)


@pytest.mark.parametrize("classes", [3, 5, 6, 12])
def test_training_metrics_are_scikit_learns(classes: int) -> None:
    problem = Classification(classes=tuple(f"c{i}" for i in range(classes)))
    p, labels = probabilities(80, classes, seed=classes)
    measured = {}
    for metric in problem.training_metrics():
        metric.update_state(labels, p)
        measured[metric.name] = float(metric.result())
    expected = {"accuracy": sk.accuracy_score(labels, p.argmax(1))}
    if classes > 5:
        expected["top_5_accuracy"] = sk.top_k_accuracy_score(
            labels, p, k=5, labels=np.arange(classes)
        )
    assert measured == pytest.approx(expected, rel=1e-6)
    assert problem.measured == tuple(expected)


def test_what_is_served_names_the_most_probable_class() -> None:
    p, _ = probabilities(20, 3)
    served = {name: value.numpy() for name, value in PETS.served(p).items()}
    np.testing.assert_array_equal(served["probabilities"], p)
    assert [n.decode() for n in served["label"]] == [PETS.classes[i] for i in p.argmax(1)]
    np.testing.assert_array_equal(served["score"], p.max(axis=1))


def test_a_stored_evaluation_of_an_earlier_job_is_understood() -> None:
    found = Classification.of_metric("ClassReport", {"classes": ["cat", "dog", "fox"]})
    assert found == PETS
    assert Classification.of_metric("MaskReport", {"classes": ["cat"]}) is None
