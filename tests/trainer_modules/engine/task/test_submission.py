"""The form of `submission.csv` as a setting of the task."""

import pytest

from pipelines import tasks
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification, Regression
from trainer_modules.engine.task.submission import Submission


def test_columns_are_those_that_predict_takes() -> None:
    classes = Classification().submission_fields
    assert Submission().columns(classes) == "id=id,label=label"
    form = Submission(id_column="image_id", label_column="class", label="number")
    assert form.columns(classes) == "image_id=id,class=index"


def test_a_number_is_shown_as_a_value_and_not_as_a_class() -> None:
    numbers = Regression(target="age").submission_fields
    form = Submission(label_column="age", label="value")
    assert form.columns(numbers) == "id=id,age=value"
    with pytest.raises(BadInputError, match="submission.label must be one of value. Received: 'n"):
        Submission().columns(numbers)
    with pytest.raises(BadInputError, match="must be one of name, number. Received: 'value'"):
        form.columns(Classification().submission_fields)


def test_cassava_has_the_published_form() -> None:
    for spelling in ("cassava", "cassava:published"):
        task = tasks.load(spelling)
        found = task.submission.columns(task.problem.submission_fields)
        assert found == "image_id=id,label=index"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("submission.label=index", "one of name, number, value"),
        ("submission.id_column=a,b", "without comma"),
        ("submission.id_column=a=b", "without comma"),
        ("submission.label_column=", "must be a column header"),
        ("submission.label_column=image_id", "must differ"),
        ("submission.column=id", "id_column"),
    ],
)
def test_a_form_that_makes_no_file_is_refused(setting: str, says: str) -> None:
    with pytest.raises(BadInputError, match=says):
        tasks.load("cassava", (setting,))


def test_predict_takes_the_form_of_a_task() -> None:
    from pipelines import predict

    def asked(*more: str) -> str:
        args = predict.parser().parse_args(["--model", "m", "--data", "d", *more])
        return predict._columns(args)

    assert asked("--output", "x.csv", "--submission", "cassava") == "image_id=id,label=index"
    assert asked("--output", "x.csv", "--submission", "flowers") == "id=id,label=label"
    assert asked("--output", "x.csv", "--columns", "id") == "id"
    with pytest.raises(BadInputError, match="did you mean 'cassava'"):
        asked("--output", "x.csv", "--submission", "casava")
    with pytest.raises(BadInputError, match="ending in .csv"):
        asked("--output", "x.jsonl", "--submission", "cassava")
    with pytest.raises(SystemExit):
        asked("--output", "x.csv", "--submission", "cassava", "--columns", "id")
