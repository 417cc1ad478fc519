"""The fitted line over the data, from the served model."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.report import fitted, templating
from tests.components.report import runs
from trainer_modules import boston_housing
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.networks import models
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Columns, Task

SLOPE, OFFSET = 9.0, -34.0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = str(tmp_path_factory.mktemp("examples") / "rows")
    with tf.io.TFRecordWriter(path) as writer:
        for i in range(40):
            example = tf.train.Example()
            rooms = 4 + i / 10
            for name, value in (("RM", rooms), ("MEDV", SLOPE * rooms + OFFSET), ("AGE", 3.0)):
                example.features.feature[name].float_list.value.append(value)
            example.features.feature["id"].bytes_list.value.append(b"row %d" % i)
            writer.write(example.SerializeToString())
    return [path]


def _exported(folder: Path, task: Task) -> str:
    model = models.build(task).model
    weights = np.full((len(task.input.columns), 1), SLOPE, np.float32)
    model.set_weights([weights, np.array([OFFSET], np.float32)])
    serving.save(model, task, str(folder))
    return str(folder)


def test_the_line_and_the_rows_are_what_the_model_serves(files: list[str], tmp_path: Path) -> None:
    task = boston_housing.TASK
    found = fitted.answers(task, files, _exported(tmp_path / "m", task))
    rows = [(row[0], value) for row, value in found["rows"]]
    assert [rooms for rooms, _ in rows] == [3, 4, 5, 6, 7]
    for x, value in [*rows, *found["line"]]:
        assert value == pytest.approx(SLOPE * x + OFFSET, abs=1e-4)
    assert found["line"][0][0] == 3 and found["line"][-1][0] == pytest.approx(7.9)
    np.testing.assert_allclose(found["points"][5], (4.5, SLOPE * 4.5 + OFFSET), rtol=1e-6)


def test_several_features_have_rows_and_no_line(files: list[str], tmp_path: Path) -> None:
    columns = Columns(names=("RM", "AGE"), shown=((5.0, 1.0),))
    task = dataclasses.replace(boston_housing.TASK, input=columns)
    found = fitted.answers(task, files, _exported(tmp_path / "m", task))
    assert found["rows"] == [([5.0, 1.0], pytest.approx(SLOPE * 6 + OFFSET))]
    assert found["line"] == found["points"] == []


def test_the_page_shows_both(files: list[str], tmp_path: Path) -> None:
    task = boston_housing.TASK
    found = fitted.answers(task, files, _exported(tmp_path / "m", task))
    material = runs.material.Material(
        task={**runs.task(("a",)), "problem": overrides.to_plain(task.problem)}, fitted=found
    )
    context = fitted.section(material)
    assert context is not None
    html = templating.environment().get_template("sections/fitted.html.jinja").render(**context)
    assert 'aria-label="MEDV over RM"' in html and "MEDV [k$]" in html
    assert html.count("<tr>") == 6 and "29</td>" in html, "7 rooms: 9 · 7 - 34 = 29"
    assert fitted.section(runs.material.Material()) is None


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="rows of 1 numbers, one for each of RM"):
        Columns(names=("RM",), shown=((3.0, 4.0),))


def test_rows_can_be_set() -> None:
    from pipelines import tasks

    task = tasks.load("boston_housing", ("input.shown=((8.0,),)",))
    assert task.input.shown == ((8.0,),)
    with pytest.raises(BadInputError, match="one for each of RM"):
        tasks.load("boston_housing", ("input.shown=((8.0, 1.0),)",))
