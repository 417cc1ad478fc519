"""Multi-label classification: sets of names in, probabilities and sets of names out."""

import dataclasses
import logging
import re

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics as sk

from trainer_modules.engine.problems.labels import LabelError
from trainer_modules.engine.problems.multilabel import MultiLabel

PETS = MultiLabel(classes=("cat", "dog", "ménagerie"))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("dog",), "dog"),
        (("dog|cat",), "cat|dog"),
        ((" dog | ménagerie ",), "dog|ménagerie"),
        (("",), ""),
        (("  ",), ""),
        ((), ""),
        (("dog", "cat", "dog"), "cat|dog"),
        ((b"dog", "ménagerie".encode()), "dog|ménagerie"),
        ((2, 0), "cat|ménagerie"),
        ((1,), "dog"),
    ],
)
def test_a_label_is_a_set_in_one_text(values: tuple, text: str) -> None:
    assert PETS.label_text(values) == text
    assert PETS.label_text((text,)) == text
    assert PETS.counted_as(text) == tuple(name for name in PETS.classes if name in text)


def test_numbers_are_indices_or_one_for_each_class() -> None:
    each = dataclasses.replace(PETS, multi_hot=True)
    assert each.label_text((1, 0, 1)) == each.label_text((1.0, 0.0, 1.0)) == "cat|ménagerie"
    assert each.label_text((0, 0, 0)) == ""
    # The data's own numbering may differ from the task's.
    assert PETS.label_text((0, 1), ("ménagerie", "dog")) == "dog|ménagerie"


@pytest.mark.parametrize(
    ("problem", "values", "says"),
    [
        (PETS, ("dog|bird",), "must be one of cat, dog, ménagerie. Received: 'bird'"),
        (PETS, ("dgo",), "did you mean 'dog'"),
        (PETS, ("dog||cat",), "an empty name beside a '|'"),
        (PETS, ("dog|",), "an empty name beside a '|'"),
        (PETS, (0, 3), "label 3 is not an index into 3 classes"),
        (PETS, (-1,), "label -1 is not an index"),
        (PETS, (0.5,), "label 0.5 is not an index"),
        (dataclasses.replace(PETS, multi_hot=True), (1, 0), "for each of 3 classes. Received: 2"),
        (dataclasses.replace(PETS, multi_hot=True), (0, 1, 2), "numbers from 0 to 2"),
    ],
)
def test_what_is_not_a_set_of_classes_has_a_reason(
    problem: MultiLabel, values: tuple, says: str
) -> None:
    with pytest.raises(LabelError) as refused:
        problem.label_text(values)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"classes": ("a", "b", "a")}, "Received twice: a"),
        ({"classes": ("a|b", "c")}, "problem.separator"),
        ({"classes": (" a", "c")}, "without blanks"),
        ({"classes": ("", "c")}, "a class must be a name"),
        ({"separator": " "}, "not blank"),
        ({"threshold": 1.0}, "between 0 and 1. Received: 1.0"),
        ({"classes": ("a", "b"), "thresholds": (0.5,)}, "one for each of 2 classes. Received: 1"),
    ],
)
def test_settings_are_checked(settings: dict, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        MultiLabel(**settings)


def test_another_separator_makes_room_for_any_name() -> None:
    problem = MultiLabel(classes=("a|b", "c"), separator="; ")
    assert problem.label_text(("c; a|b",)) == "a|b; c"
    served = problem.served(tf.constant([[0.9, 0.8], [0.1, 0.1]]))
    assert [text.decode() for text in served["labels"].numpy()] == ["a|b; c", ""]


def test_copies_of_an_image_have_all_labels_of_all_copies() -> None:
    assert PETS.merged_label(["dog", "cat", ""]) == "cat|dog"
    assert PETS.merged_label(["ménagerie", "cat|dog"]) == "cat|dog|ménagerie"


def test_transform_stores_one_number_for_each_class_and_never_drops_a_name() -> None:
    texts = ["dog", "cat|ménagerie", "", "cat|bird"]
    transform = tf.function(lambda label: PETS.transformed_labels({"label": label}, None)["label"])
    found = transform(tf.constant(texts)).numpy()
    assert found.dtype == np.int64
    assert found.tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0], [-1, -1, -1]]


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_the_mean_over_classes(smoothing: float) -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random((20, 3)) < 0.4).astype(np.float32)
    p = rng.uniform(0.05, 0.95, truth.shape).astype(np.float32)
    target = truth * (1 - smoothing) + smoothing / 2
    expected = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
    assert float(PETS.loss(smoothing)(truth, p)) == pytest.approx(expected, rel=1e-4)


def test_training_metrics_follow_scikit_learn_and_ignore_what_weighs_nothing() -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random((400, 3)) < [0.5, 0.3, 0.2]).astype(np.float32)
    p = np.clip(truth * 0.3 + rng.random(truth.shape) * 0.7, 0, 1).astype(np.float32)
    area, binary = PETS.training_metrics()
    assert (area.name, binary.name) == PETS.measured and PETS.monitor == area.name
    weights = np.r_[np.ones(300, np.float32), np.zeros(100, np.float32)]
    for metric in (area, binary):
        for part in np.array_split(np.arange(400), 7):
            metric.update_state(truth[part], p[part], sample_weight=weights[part])
    exact = sk.average_precision_score(truth[:300], p[:300])
    assert float(area.result()) == pytest.approx(exact, abs=0.02)
    right = ((p[:300] > 0.5) == truth[:300]).mean()
    assert float(binary.result()) == pytest.approx(right, abs=1e-6)


def test_the_last_layer_answers_for_each_class_by_itself() -> None:
    import tf_keras

    layers = PETS.output_layers()
    model = tf_keras.Sequential([tf_keras.Input((4,)), *layers])
    p = model(np.full((2, 4), 3.0, np.float32)).numpy()
    assert p.shape == (2, 3) and p.dtype == np.float32
    logits = np.log(p / (1 - p))
    np.testing.assert_allclose(logits, layers[0](np.full((2, 4), 3.0, np.float32)), atol=1e-4)


def test_thresholds_decide_what_is_served() -> None:
    problem = dataclasses.replace(PETS, thresholds=(0.2, 0.6, 0.5))
    p = np.array([[0.3, 0.59, 0.5], [0.1, 0.7, 0.4], [0.1, 0.1, 0.1]], np.float32)
    served = {name: part.numpy() for name, part in problem.served(tf.constant(p)).items()}
    assert [t.decode() for t in served["labels"]] == ["cat|ménagerie", "dog", ""]
    np.testing.assert_array_equal(served["probabilities"], p)
    np.testing.assert_array_equal(served["scores"], np.where(p >= [[0.2, 0.6, 0.5]], p, 0))
    for name, (dtype, shape) in problem.served_outputs.items():
        assert served[name].shape == (3, *shape)
        assert (served[name].dtype == np.float32) == (dtype == "float32")


def test_the_choice_is_made_for_each_class_and_told(caplog: pytest.LogCaptureFixture) -> None:
    rng = np.random.default_rng(2)
    truth = np.zeros((200, 3), np.int64)
    truth[:80, 0], truth[150:, 1], truth[:3, 2] = 1, 1, 1
    p = np.clip(truth * 0.2 + rng.random(truth.shape) * 0.4, 0, 1).astype(np.float32)
    with caplog.at_level(logging.WARNING, logger="tfx_vision"):
        settled, facts = PETS.settled(p, truth)
    assert "class 'ménagerie' keeps the threshold 0.5" in caplog.text
    assert facts["defaulted"] == {"ménagerie": 3}
    assert facts["thresholds"] == dict(zip(PETS.classes, settled.thresholds, strict=True))
    before = sk.f1_score(truth[:, :2], p[:, :2] >= 0.5, average=None, zero_division=0)
    after = sk.f1_score(truth, p >= np.float32(settled.thresholds), average=None, zero_division=0)
    assert (after[:2] > before + 0.2).all()


def test_a_fixed_threshold_is_not_changed() -> None:
    fixed = dataclasses.replace(PETS, threshold=0.3)
    settled, facts = fixed.settled(np.zeros((5, 3), np.float32), np.zeros((5, 3)))
    assert settled.thresholds == (0.3, 0.3, 0.3) and facts["fixed"]
    served = fixed.served(tf.constant([[0.31, 0.29, 0.3]]))
    assert served["labels"].numpy().tolist() == ["cat|ménagerie".encode()]
