"""Rows of a table: their order, and what names no row."""

from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.inputs.columns import Columns

ROWS = Columns(names=("rooms", "age"))


def test_a_row_has_the_order_of_the_names_whatever_the_order_of_the_data() -> None:
    import tensorflow as tf

    raw = {"age": tf.constant([30.0, 40.0]), "id": tf.constant([b"a", b"b"])}
    raw["rooms"] = tf.constant([3.0, 4.0])
    assert ROWS.network_inputs(raw).numpy().tolist() == [[3, 30], [4, 40]]
    assert ROWS.stored_input({k: v[1] for k, v in raw.items()}).numpy().tolist() == [4, 40]
    assert ROWS.served == {"rooms": "rooms", "age": "age"}


def test_whole_numbers_are_stored_as_float32() -> None:
    import tensorflow as tf

    stored = ROWS.transformed({"rooms": tf.constant([3, 4]), "age": tf.constant([30, 40])})
    assert {k: (v.dtype, v.numpy().tolist()) for k, v in stored.items()} == {
        "rooms": (tf.float32, [3.0, 4.0]),
        "age": (tf.float32, [30.0, 40.0]),
    }


def test_generated_rows_look_standardised() -> None:
    """Where there is no data, a model is checked with numbers that its layers expect."""
    import tensorflow as tf

    examples = list(ROWS.generated(400).values())
    rows = ROWS.network_inputs(tf.io.parse_example(examples, ROWS.raw_spec())).numpy()
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=0.2)
    np.testing.assert_allclose(rows.std(axis=0), 1, atol=0.2)


def test_rows_are_no_images() -> None:
    with pytest.raises(BadInputError, match=r"input must be Images\(…\) for VGG16\. Received: Col"):
        ROWS.images("VGG16")


@pytest.mark.parametrize(
    ("names", "says"),
    [((), "at least one column"), (("a", "b", "a"), "distinct. Received twice: a")],
)
def test_columns_that_name_no_row_are_refused(names: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Columns(names=names)


@pytest.mark.parametrize("row", [(1.0,), (1.0, 2.0, 3.0)])
def test_a_row_to_show_has_a_number_for_each_column(row: Any) -> None:
    with pytest.raises(ValueError, match=r"rows of 2 numbers, one for each of rooms, age\. Rec"):
        Columns(names=("rooms", "age"), shown=((3.0, 30.0), row))
