"""What reaches the model: every example once, in seeded order, from memory or from disk."""

import dataclasses
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.task import Task
from trainer_modules.engine.training import examples, input_pipeline
from trainer_modules.engine.training.input_pipeline import Split

PLENTY, NOTHING = 1 << 30, 0


MEMORY, PLACES, WHOLE = "memory", "places", "whole shards"


@pytest.fixture(params=[MEMORY, PLACES, WHOLE])
def way(request: pytest.FixtureRequest) -> str:
    """From where examples are read."""
    return request.param


def numbered(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images that tell their number: every pixel holds it."""
    numbers = np.arange(count)
    return np.tile(numbers.astype(np.uint8)[:, None, None, None], (1, 8, 8, 1)), numbers % 3


@pytest.fixture
def split(
    tiny: Callable[..., Task],
    tmp_path: Path,
    shard_writer: Callable[..., list[str]],
    way: str,
) -> Split:
    return prepared(tiny(train__shuffle=50, train__deterministic=True), tmp_path, shard_writer, way)


def prepared(
    task: Task, folder: Path, shard_writer: Callable[..., list[str]], way: str, shards: int = 3
) -> Split:
    files = shard_writer(folder, "train", *numbered(23), shards=shards, gzip=way == WHOLE)
    measured = examples.measure(task, files, "train")
    budget = PLENTY if way == MEMORY else NOTHING
    return input_pipeline.prepare(task, measured, budget=budget, split="train")[0]


def training(split: Split, start: int = 0, steps: int = 1, batch: int = 5) -> list[np.ndarray]:
    data = input_pipeline.training(
        split, tf.distribute.get_strategy(), global_batch=batch, start_step=start
    )
    return [x.numpy()[:, 0, 0, 0] for x, *_ in islice(data, steps)]


def test_a_pass_sees_an_example_at_most_once_and_drops_the_remainder(split: Split) -> None:
    one, two = np.concatenate(training(split, 0, 4)), np.concatenate(training(split, 4, 4))
    assert len(set(one)) == len(set(two)) == 20
    assert one.tolist() != two.tolist()
    seen: set[int] = set()
    for batch in training(split, 0, 40):
        seen.update(batch.tolist())
    assert seen == set(range(23))  # another remainder is dropped in each pass


def test_images_keep_their_labels_and_type(split: Split) -> None:
    data = input_pipeline.training(
        split, tf.distribute.get_strategy(), global_batch=5, start_step=0
    )
    x, y = next(iter(data))
    assert x.dtype == tf.uint8 and x.shape == (5, 8, 8, 1)
    np.testing.assert_array_equal(x.numpy()[:, 3, 3, 0] % 3, y)


def test_the_batch_of_a_step_follows_from_the_step(split: Split) -> None:
    whole = training(split, 0, 12)
    for start in (3, 4, 9):
        for a, b in zip(training(split, start, 3), whole[start : start + 3], strict=True):
            np.testing.assert_array_equal(a, b)


def test_without_shuffling_every_epoch_has_one_order(split: Split) -> None:
    task = dataclasses.replace(split.task, train=dataclasses.replace(split.task.train, shuffle=0))
    got = np.concatenate(training(dataclasses.replace(split, task=task), 0, 4)).tolist()
    assert len(set(got)) == 20
    assert got == np.concatenate(training(dataclasses.replace(split, task=task), 4, 4)).tolist()


def test_batches_are_the_same_however_examples_are_cut_into_shards(
    tiny: Callable[..., Task], tmp_path: Path, shard_writer: Callable[..., list[str]]
) -> None:
    def batches(way: str, shards: int) -> list[list[int]]:
        folder = tmp_path / f"{way} {shards}"
        split = prepared(tiny(), folder, shard_writer, way, shards)
        trained = [batch.tolist() for batch in training(split, 2, 9)]
        strategy = tf.distribute.get_strategy()
        evaluated = input_pipeline.evaluation(split, strategy, global_batch=5, fraction=0.4)
        return trained + [x.numpy()[:, 0, 0, 0].tolist() for x, *_ in islice(evaluated, 3)]

    expected = batches(MEMORY, 1)
    for way, shards in ((MEMORY, 2), (MEMORY, 5), (PLACES, 1), (PLACES, 5)):
        assert batches(way, shards) == expected


def test_evaluation_drops_nothing_and_weighs_the_filling_nothing(split: Split) -> None:
    strategy = tf.distribute.get_strategy()
    steps = input_pipeline.evaluation_steps(split, 5)
    data = input_pipeline.evaluation(split, strategy, global_batch=5)
    rounds = list(islice(data, 2 * steps))
    assert steps == 5
    for batches in (rounds[:steps], rounds[steps:]):
        images, weights = (np.concatenate([b[i] for b in batches]) for i in (0, 2))
        counted = weights > 0
        assert sorted(images[counted, 0, 0, 0]) == list(range(23))
        np.testing.assert_allclose(weights[counted], 25 / 23)
        assert all(b[0].shape == (5, 8, 8, 1) for b in batches)


def test_evaluation_of_a_share(split: Split) -> None:
    strategy = tf.distribute.get_strategy()
    assert input_pipeline.evaluation_steps(split, 5, 0.3) == 2
    data = input_pipeline.evaluation(split, strategy, global_batch=5, fraction=0.3)
    assert sum(int((w.numpy() > 0).sum()) for *_, w in islice(data, 2)) == 7


def test_memory_is_used_within_the_budget(
    tiny: Callable[..., Task], tiny_files: dict[str, Any]
) -> None:
    task = tiny()
    shards = examples.measure(task, tiny_files["train_files"], "train")
    need = 45 * (64 + 8)
    fits, taken = input_pipeline.prepare(task, shards, budget=need, split="train")
    assert fits.memory is not None and taken == need
    read, taken = input_pipeline.prepare(task, shards, budget=need - 1, split="train")
    assert read.memory is None and taken == 0


def test_balanced_weights_are_scikit_learns() -> None:
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0] * 7 + [1] * 2 + [2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    weights = input_pipeline.balanced_weights(labels, ("a", "b", "c", "none of it"))
    np.testing.assert_allclose(weights[:3], expected, rtol=1e-6)
    assert weights[3] == 0


def test_a_batch_larger_than_the_data_is_refused(split: Split) -> None:
    with pytest.raises(BadInputError, match="train.batch_size=23 or less"):
        input_pipeline.steps_per_pass(split, 24)


def test_pipelines_of_several_workers_share_out_one_batch(split: Split) -> None:
    alone = training(split, 2, 4, batch=6)
    parts_dealt = []
    for worker in range(2):
        context = tf.distribute.InputContext(
            num_input_pipelines=2, input_pipeline_id=worker, num_replicas_in_sync=2
        )
        feed = input_pipeline._training_feed(split, context, 6, 2)
        parts_dealt.append([x.numpy()[:, 0, 0, 0] for x, _ in islice(feed, 4)])
    for whole, *parts in zip(alone, *parts_dealt, strict=True):
        assert [len(p) for p in parts] == [3, 3]
        assert sorted(np.concatenate(parts)) == sorted(whole)
    evaluated = []
    for worker in range(2):
        context = tf.distribute.InputContext(
            num_input_pipelines=2, input_pipeline_id=worker, num_replicas_in_sync=2
        )
        feed = input_pipeline._evaluation_feed(split, context, 6, 1.0)
        for x, _, w in islice(feed, 4):
            evaluated += x.numpy()[w.numpy() > 0, 0, 0, 0].tolist()
    assert sorted(evaluated) == list(range(23))
