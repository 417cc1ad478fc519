"""The scale in which a number is learnt, against Keras and Transform themselves."""

from typing import Any

import numpy as np
import pytest

from trainer_modules.engine.problems import value_scale


@pytest.mark.parametrize("objective", ["mse", "mae", "huber"])
def test_is_keras_own_training_on_standardised_targets(objective: str) -> None:
    """Years around 2000: the same steps as on (year - mean) / deviation, value for value."""
    import tf_keras
    from tf_keras import layers, losses

    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(96, 5)).astype(np.float32)
    years = (2000 + 8 * inputs[:, :1] + rng.normal(size=(96, 1))).astype(np.float32)
    mean, deviation = float(years.mean()), float(years.std())

    def trained(last: list[Any], loss: Any, targets: np.ndarray) -> np.ndarray:
        tf_keras.utils.set_random_seed(1)
        model = tf_keras.Sequential([tf_keras.Input((5,)), layers.Dense(8, "tanh"), *last])
        model.compile(tf_keras.optimizers.Adam(0.02), loss)
        model.fit(inputs, targets, batch_size=32, epochs=5, shuffle=False, verbose=0)
        found: np.ndarray = model(inputs).numpy()
        return found

    ours = trained(
        value_scale.output_layers(mean=mean, deviation=deviation),
        value_scale.loss(objective, huber_delta=0.5, deviation=deviation),
        years,
    )
    plain = {
        "mse": losses.MeanSquaredError(),
        "mae": losses.MeanAbsoluteError(),
        "huber": losses.Huber(delta=0.5),
    }
    standard = trained([layers.Dense(1)], plain[objective], (years - mean) / deviation)
    np.testing.assert_allclose((ours - mean) / deviation, standard, atol=2e-3)
    assert np.abs(standard).max() > 0.5, "it must have learnt something"


@pytest.mark.parametrize("objective", value_scale.OBJECTIVES)
def test_the_loss_of_a_batch_is_keras_own(objective: str) -> None:
    from tf_keras import losses

    rng = np.random.default_rng(1)
    true, value = rng.normal(size=(2, 64, 1)).astype(np.float32) * 30
    plain = {
        "mse": losses.MeanSquaredError(),
        "mae": losses.MeanAbsoluteError(),
        "huber": losses.Huber(delta=2.0),
    }[objective]
    found = value_scale.loss(objective, huber_delta=2.0, deviation=10.0)(true, value)
    assert float(found) == pytest.approx(float(plain(true / 10, value / 10)), rel=1e-6)


def test_the_statistics_are_those_of_numpy(tfx_ready: None, tmp_path: Any) -> None:
    import tensorflow as tf
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    targets = np.random.default_rng(2).normal(2000.0, 3.0, 500).astype(np.float32)
    spec = {"year": tf.io.FixedLenFeature([], tf.float32)}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))

    def preprocess(inputs: dict[str, Any]) -> dict[str, Any]:
        return value_scale.moments(inputs["year"])

    with tft_beam.Context(temp_dir=str(tmp_path)):
        (rows, _), _ = ([{"year": year} for year in targets], metadata) | (
            tft_beam.AnalyzeAndTransformDataset(preprocess, output_record_batches=False)
        )
    assert len(rows) == 500
    (mean,) = {row[value_scale.MEAN] for row in rows}
    (deviation,) = {row[value_scale.DEVIATION] for row in rows}
    assert mean == pytest.approx(targets.astype(np.float64).mean(), rel=1e-6)
    assert deviation == pytest.approx(targets.astype(np.float64).std(), rel=1e-5)
