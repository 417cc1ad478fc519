"""One number for the weights of a model, whatever TensorFlow writes beside them."""

import tensorflow as tf

from trainer_modules.engine.saved_model.weights_digest import weights_digest


def _export(folder: str, *values: float) -> str:
    module = tf.Module()
    module.weights = [tf.Variable([value, 1.0]) for value in values]
    tf.saved_model.save(module, folder)
    return folder


def test_equal_weights_have_equal_digests_and_one_bit_tells(tmp_path) -> None:
    first = _export(str(tmp_path / "a"), 1.0, 2.0)
    again = _export(str(tmp_path / "b"), 1.0, 2.0)
    fingerprints = {(tmp_path / n / "fingerprint.pb").read_bytes() for n in "ab"}
    assert len(fingerprints) == 2, "equal exports have equal fingerprints: the digest is not needed"
    assert weights_digest(first) == weights_digest(again)
    assert weights_digest(first) != weights_digest(_export(str(tmp_path / "c"), 2.0, 1.0))
    near = float(tf.math.nextafter(tf.constant(2.0, tf.float64), 3.0)) + 2**-22
    assert weights_digest(first) != weights_digest(_export(str(tmp_path / "d"), 1.0, near))
