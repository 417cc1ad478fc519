import pytest

from trainer_modules.engine.errors import BadInputError


@pytest.fixture(scope="module")
def gate(tfx_ready):
    from components.data_validation import data_gate

    return data_gate


BAD = [{"id": f"{i}.jpg", "reason": "is empty"} for i in range(9)]


@pytest.mark.parametrize(("total", "bound"), [(0, 0.0), (1, 0.01), (99, 0.5), (99, 1.0)])
def test_within_the_bound_passes(gate, total: int, bound: float) -> None:
    gate.check_rejected({"train": 90, "eval": 9}, BAD[:total], total, bound)


@pytest.mark.parametrize(("total", "bound"), [(1, 0.0), (2, 0.01), (100, 0.5)])
def test_above_the_bound_names_counts_and_first_offenders(gate, total, bound) -> None:
    with pytest.raises(BadInputError) as refused:
        gate.check_rejected({"train": 90, "eval": 9}, BAD[:total], total, bound)
    text = str(refused.value)
    assert f"{total} of {99 + total}" in text and "0.jpg: is empty" in text
    assert "--max-rejected" in text
    assert text.count("is empty") == min(total, 5)


def test_nothing_to_train_on_is_refused_even_if_all_may_be_rejected(gate) -> None:
    with pytest.raises(BadInputError, match="'train'"):
        gate.check_rejected({"train": 0, "eval": 4}, BAD, 9, 1.0)


def test_anomalies_are_named_with_split_and_feature(gate) -> None:
    gate.check_anomalies({"train": {}, "eval": {}})
    with pytest.raises(BadInputError, match="eval: label: unexpected value 'cat'"):
        gate.check_anomalies({"train": {}, "eval": {"label": "unexpected value 'cat'"}})


def test_what_the_validator_wrote_is_read(gate, tmp_path) -> None:
    import pandas as pd
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tfx.types import artifact_utils, standard_artifacts

    schema = schema_pb2.Schema()
    schema.feature.add(name="label", type=schema_pb2.BYTES, domain="label")
    schema.string_domain.add(name="label", value=["cat", "dog"])
    for split, names in (("train", ["cat", "dog"]), ("eval", ["cat", "unicorn"])):
        statistics = tfdv.generate_statistics_from_dataframe(pd.DataFrame({"label": names}))
        found = tfdv.validate_statistics(statistics, schema)
        folder = tmp_path / f"Split-{split}"
        folder.mkdir()
        (folder / "SchemaDiff.pb").write_bytes(found.SerializeToString())
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(tmp_path)
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    anomalies = gate.read_anomalies(artifact)
    assert anomalies["train"] == {}
    assert "unicorn" in anomalies["eval"]["label"]
