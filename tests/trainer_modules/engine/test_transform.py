import tensorflow as tf

from trainer_modules import boston_housing
from trainer_modules.engine import transform


def test_rows_keep_their_columns() -> None:
    task = boston_housing.TASK
    inputs = {"RM": tf.constant([[6.5], [5.0]]), "MEDV": tf.constant([[24.0], [11.0]])}
    out = transform.transformed(
        inputs | {"id": tf.constant([[b"1"], [b"2"]])}, task.input, task.problem
    )
    assert {k: v.numpy().tolist() for k, v in out.items()} == {
        "RM": [6.5, 5.0],
        "target": [24.0, 11.0],
        "id": [b"1", b"2"],
    }
