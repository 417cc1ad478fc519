from pathlib import Path

import numpy as np
import pytest

from components.report import statistics


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def test_divergence_of_values_is_jensen_and_shannons() -> None:
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.2, 0.3, 0.5])
    expected = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    before = {"values": [["a", 50.0], ["b", 50.0]]}
    now = {"values": [["c", 500.0], ["b", 300.0], ["a", 200.0]]}
    assert statistics.divergence(before, now) == pytest.approx(expected)
    assert statistics.divergence(before, before) == pytest.approx(0, abs=1e-12)
    assert statistics.divergence(before, {"values": [["z", 1.0]]}) == pytest.approx(1)


def test_divergence_of_numbers_does_not_depend_on_the_bins() -> None:
    draw = np.random.default_rng(0)

    def histogram(values: np.ndarray, bins: int) -> dict[str, object]:
        counts, edges = np.histogram(values, bins)
        return {
            "histogram": [
                [float(a), float(b), float(c)]
                for a, b, c in zip(edges[:-1], edges[1:], counts, strict=True)
            ]
        }

    values = draw.uniform(0, 1, 20_000)
    same = statistics.divergence(histogram(values, 10), histogram(values, 25))
    apart = statistics.divergence(histogram(values, 10), histogram(values + 2, 10))
    near = statistics.divergence(histogram(values, 10), histogram(values + 0.3, 10))
    assert same is not None and near is not None
    assert same < 0.01
    assert apart == pytest.approx(1, abs=0.05)
    assert 0.1 < near < 0.6


def test_constants_are_compared() -> None:
    eight, nine = ({"histogram": [[v, v, 100.0]]} for v in (8.0, 9.0))
    assert statistics.divergence(eight, eight) == pytest.approx(0, abs=1e-12)
    assert statistics.divergence(eight, nine) == pytest.approx(1)


def test_drift_lists_what_moved_most_first() -> None:
    from tests.components.report import runs

    before, now = runs.statistics(("a", "b")), runs.statistics(("a", "b"), shift=0.3)
    rows = statistics.drift(before, now)
    assert {row["feature"] for row in rows if row["drifted"]} == {"brightness"}
    assert rows[0]["feature"] == "brightness"
    old, new = rows[0]["means"]
    assert new > old + 0.2


def test_reads_what_tfdv_writes(tmp_path: Path) -> None:
    from tensorflow_metadata.proto.v0 import statistics_pb2

    protos = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = protos.datasets.add(num_examples=7)
    label = dataset.features.add(path={"step": ["label"]}, type="STRING")
    for name, count in (("roses", 4), ("<b>", 3)):
        label.string_stats.rank_histogram.buckets.add(label=name, sample_count=count)
    height = dataset.features.add(path={"step": ["height"]}, type="INT")
    height.num_stats.mean, height.num_stats.max = 10.5, 20
    height.num_stats.histograms.add(type="QUANTILES").buckets.add(sample_count=99)
    height.num_stats.histograms.add(type="STANDARD").buckets.add(
        low_value=1, high_value=20, sample_count=7
    )
    dataset.features.add(path={"step": ["image"]}, type="STRING").bytes_stats.unique = 7
    folder = tmp_path / "Split-train"
    folder.mkdir()
    (folder / "FeatureStats.pb").write_bytes(protos.SerializeToString())

    found = statistics.read(str(tmp_path), ["train"])
    assert found["train"]["examples"] == 7
    assert set(found["train"]["features"]) == {"label", "height"}
    assert statistics.class_counts(found) == {"roses": {"train": 4}, "<b>": {"train": 3}}
    assert found["train"]["features"]["height"]["histogram"] == [[1.0, 20.0, 7.0]]
    assert found["train"]["features"]["height"]["mean"] == 10.5
