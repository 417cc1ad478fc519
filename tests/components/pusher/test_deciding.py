"""What is to become of a model, by what is known of it."""

from pathlib import Path

import pytest

from components.pusher import recording, releases
from components.pusher.releases import Event
from tests.components.pusher.exports import export

pytestmark = pytest.mark.usefixtures("tfx_ready")


@pytest.mark.parametrize(
    ("known", "hold", "expected"),
    [
        ((), (), "push"),
        ((), ("why",), "hold"),
        (("held",), ("why",), "hold"),
        (("held",), (), "promote"),
        (("held", "approved"), ("why",), "promote"),
        (("held", "refused"), (), "withheld"),
        (("pushed", "withdrawn"), (), "withheld"),
        (("pushed", "withdrawn", "removed"), (), "withheld"),
        # Its version is gone without a decision: it is a new one.
        (("pushed",), (), "push"),
        (("pushed", "removed"), (), "push"),
    ],
)
def test_by_the_record(
    tmp_path: Path, known: tuple[str, ...], hold: tuple[str, ...], expected: str
) -> None:
    from components.pusher.deciding import decide

    model = export(tmp_path / "model", "one")
    for event in known:
        recording.append(str(tmp_path), Event(event=event, version="7", model="/models/one"))
    record = releases.read(str(tmp_path))
    found = decide(record, str(tmp_path), str(model), uri="/models/one", export="", hold=hold)
    assert found.action == expected


@pytest.mark.parametrize(
    ("version", "bits", "expected"),
    [("7", "same bits", "unchanged"), ("7", "other bits", "push"), ("6", "same bits", "push")],
)
def test_a_training_repeated_bit_by_bit_is_the_served_version(
    tmp_path: Path, version: str, bits: str, expected: str
) -> None:
    """An export of its own, of the same graph and weights; only the newest version counts."""
    from components.pusher.deciding import decide

    model = export(tmp_path / "model", "again")
    for name in ("6", "7"):
        export(tmp_path / name, f"first {name}")
    of_served = {"export": "same bits"}
    recording.append(
        str(tmp_path), Event(event="pushed", version=version, model="/models/1", more=of_served)
    )
    record = releases.read(str(tmp_path))
    found = decide(record, str(tmp_path), str(model), uri="/models/2", export=bits, hold=())
    assert found.action == expected


@pytest.mark.parametrize(
    ("place", "expected"), [("7", "unchanged"), ("held/7", "hold"), ("withdrawn/7", "withheld")]
)
def test_by_what_lies_there_without_a_record(tmp_path: Path, place: str, expected: str) -> None:
    from components.pusher.deciding import decide

    model = export(tmp_path / "model", "one")
    export(tmp_path / place, "one")
    export(tmp_path / "6", "another")
    found = decide(releases.Record(), str(tmp_path), str(model), uri="/m", export="", hold=("why",))
    assert (found.action, found.version) == (expected, "7")


def test_the_same_model_trained_again_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    """TensorFlow's own fingerprints of two exports of the same and of another model."""
    import tensorflow as tf

    from components.pusher.pushing import identity

    def saved(name: str, weight: float) -> str:
        module = tf.Module()
        module.weight = tf.Variable(weight)
        module.serve = tf.function(
            lambda x: x * module.weight, input_signature=[tf.TensorSpec([], tf.float32)]
        )
        tf.saved_model.save(module, str(tmp_path / name), signatures=module.serve)
        return identity(str(tmp_path / name))

    first, again, other = saved("a", 1.0), saved("b", 1.0), saved("c", 2.0)
    assert first and first == again != other
    assert identity(str(tmp_path / "nowhere")) == ""
