"""The schema that TFDV infers, and what of its guesses is kept."""

import io

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format
from PIL import Image as Pillow
from sklearn.datasets import load_digits
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines import tasks

pytestmark = pytest.mark.usefixtures("tfx_ready")


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(np.round(pixels * 255 / 16).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Forty digits as raw Examples: few enough for TFDV to list every id as a value."""
    digits = load_digits()
    images, labels = digits.images[:40], digits.target[:40]
    return pd.DataFrame(
        {
            "image": [_png(image) for image in images],
            "label": [str(label) for label in labels],
            "id": [f"{label}/{i}.png" for i, label in enumerate(labels)],
            "channels": np.ones(40, np.int64),
            "format": ["PNG"] * 40,
            "brightness": images.mean((1, 2)).astype(np.float32) / 16,
        }
    )


def _schema(frame: pd.DataFrame) -> schema_pb2.Schema:
    import tensorflow_data_validation as tfdv

    from components.data_validation.inferred_schema import infer

    known = tasks.known_features(tasks.load("digits"))
    options = tfdv.StatsOptions(schema=known)
    statistics = tfdv.generate_statistics_from_dataframe(frame, stats_options=options, n_jobs=1)
    return infer(statistics, known)


def _anomalies(frame: pd.DataFrame, schema: schema_pb2.Schema) -> set[str]:
    import tensorflow_data_validation as tfdv

    options = tfdv.StatsOptions(schema=schema)
    statistics = tfdv.generate_statistics_from_dataframe(frame, stats_options=options, n_jobs=1)
    return set(tfdv.validate_statistics(statistics, schema).anomaly_info)


def test_what_the_task_knows_is_kept_and_values_stay_open(frame) -> None:
    schema = _schema(frame)
    features = {feature.name: feature for feature in schema.feature}
    assert set(features) == set(frame.columns)
    assert features["image"].HasField("image_domain")
    assert list(schema.string_domain[0].value) == [str(i) for i in range(10)]
    assert [name for name, f in features.items() if f.domain] == ["label"]
    assert features["channels"].WhichOneof("domain_info") is None
    assert all(f.shape.dim[0].size == 1 for f in features.values())
    assert features["brightness"].type == schema_pb2.FLOAT


def test_tomorrows_data_passes_and_what_is_wrong_does_not(frame) -> None:
    schema = _schema(frame)
    other = frame.assign(id=[f"new/{i}" for i in range(40)], format="JPEG", channels=3)
    assert _anomalies(other, schema) == set()
    assert _anomalies(frame.assign(label="eleven"), schema) == {"label"}
    assert _anomalies(frame.drop(columns="brightness"), schema) == {"brightness"}
    assert _anomalies(frame.assign(channels="3"), schema) == {"channels"}


def test_it_is_a_schema_that_can_be_reviewed_and_used(frame, tmp_path) -> None:
    """As text beside a task file; there the labels are compared with the task's."""
    (tmp_path / "mine.pbtxt").write_text(text_format.MessageToString(_schema(frame)))
    digits = tasks.load("digits")
    reviewed = tasks.schema(digits, str(tmp_path / "mine.py"))
    assert reviewed == _schema(frame)
    assert tasks.schema(digits, str(tmp_path / "other.py")) is None


def test_masks_are_images_and_numbers_have_no_values() -> None:
    known = {f.name: f for f in tasks.known_features(tasks.load("camvid")).feature}
    assert set(known) == {"image", "mask"} and known["mask"].HasField("image_domain")
    assert not tasks.known_features(tasks.load("boston_housing")).feature
