"""What Trainer and Tuner learn of the training split before they build a network."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Regression
from trainer_modules.engine.task.task import Columns, Network, Phase, Recipe
from trainer_modules.engine.training import run


def _recipe(problem: Regression) -> Recipe:
    return Recipe(
        name="prices",
        problem=problem,
        input=Columns(names=("rooms",)),
        model=Network(),
        phases=(Phase(epochs=1, learning_rate=0.1),),
    )


def test_the_problem_knows_the_statistics_that_transform_stored(tmp_path: Path) -> None:
    import tensorflow as tf

    example = tf.train.Example()
    for name, value in (("target_mean", 22.5), ("target_deviation", 9.25), ("target", 10.0)):
        example.features.feature[name].float_list.value.append(value)
    empty, filled = (str(tmp_path / f"train-{i}.gz") for i in range(2))
    tf.io.TFRecordWriter(empty, "GZIP").close()
    with tf.io.TFRecordWriter(filled, "GZIP") as writer:
        writer.write(example.SerializeToString())
    arguments = SimpleNamespace(train_files=[str(tmp_path / "train-*")])
    fitted = run.fitted(_recipe(Regression(target="price", standardise_target=True)), arguments)
    assert isinstance(fitted.problem, Regression)
    assert (fitted.problem.target_mean, fitted.problem.target_deviation) == (22.5, 9.25)
    plain = _recipe(Regression(target="price"))
    assert run.fitted(plain, SimpleNamespace(train_files=[])) is plain


def test_a_split_without_examples_has_no_statistics(tmp_path: Path) -> None:
    import tensorflow as tf

    tf.io.TFRecordWriter(str(tmp_path / "train-0")).close()
    task = _recipe(Regression(target="price", standardise_target=True))
    for pattern, says in (("train-*", "no examples in"), ("absent-*", "no file matches")):
        with pytest.raises(BadInputError, match=says):
            run.fitted(task, SimpleNamespace(train_files=[str(tmp_path / pattern)]))
