"""In what two schemas differ, in words."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.data_validation.schema_changes import changes

BASE = """
feature { name: "label" type: BYTES domain: "label" presence { min_fraction: 1.0 }
          shape { dim { size: 1 } } }
feature { name: "height" type: INT presence { min_fraction: 1.0 } int_domain { min: 1 } }
string_domain { name: "label" value: "cat" value: "dog" }
"""


def _schema(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('value: "dog"', 'value: "cow" value: "dog"', "'label': values added: cow"),
        ('value: "cat"', 'value: "cow"', "'label': values added: cow, values removed: cat"),
        ('value: "cat" value: "dog"', 'value: "dog" value: "cat"', None),
        ("type: INT", "type: FLOAT", "'height': type was INT, is FLOAT"),
        (
            'name: "height" type: INT presence { min_fraction: 1.0',
            'name: "height" type: INT presence { min_fraction: 0.5',
            "'height': least fraction of examples that have it was 1, is 0.5",
        ),
        ("int_domain { min: 1 }", "", "'height': int domain was min: 1, is open"),
        ("shape { dim { size: 1 } }", "", "'label': shape was (1,), is open"),
        (
            "feature {",
            'feature { name: "camera" type: BYTES } feature {',
            "'camera' is new (BYTES)",
        ),
        ('name: "height"', 'name: "width"', "'height' is gone"),
    ],
)
def test_a_difference_is_told(old: str, new: str, said: str | None) -> None:
    assert old in BASE
    told = changes(_schema(BASE), _schema(BASE.replace(old, new, 1)))
    assert (said in told) if said else not told


def test_many_values_are_counted() -> None:
    more = " ".join(f'value: "{i}"' for i in range(8))
    (told,) = changes(_schema(BASE), _schema(BASE.replace('value: "dog"', 'value: "dog" ' + more)))
    assert told == "'label': values added: 0, 1, 2, 3, 4 and 3 more"
