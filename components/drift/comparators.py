"""The comparators of a schema: distances that a person has limited, measured by TFDV itself."""

from typing import Any

from components.drift.judging import Comparison
from components.drift.records import CHAMPION, WINDOW, Night, Sample

_COLUMNS = ("label", "height", "width", "channels", "format", "brightness")
_NAMES = {
    "L_INFTY": "L-infinity distance",
    "JENSEN_SHANNON_DIVERGENCE": "Jensen-Shannon divergence",
    "NORMALIZED_ABSOLUTE_DIFFERENCE": "normalised absolute difference",
}


def compare(night: Night, schema: Any) -> list[Comparison]:
    """Compares what the schema has a `drift_comparator` or a `skew_comparator` for.

    Drift is, as for TFDV, between spans: the newest examples against the others of the window. Skew
    is between what a model was trained on and what it will see: the champion's data against the
    newest examples. A person has chosen these limits, so chance is not asked.

    Args:
      night: What there is to compare.
      schema: The `Schema` of the data.
    """
    if night.newest is None:
        return []
    compared = []
    for against, kind in ((WINDOW, "drift"), (CHAMPION, "skew")):
        columns = [
            feature.name
            for feature in schema.feature
            if feature.HasField(f"{kind}_comparator") and feature.name in _COLUMNS
        ]
        if columns and against in night.references:
            old = night.references[against]
            measured = _measured(night.newest, old, columns, schema, kind)
            compared += [
                _comparison(night.newest, old, against, name, one) for name, one in measured
            ]
    return compared


def _measured(
    new: Sample, old: Sample, columns: list[str], schema: Any, kind: str
) -> list[tuple[str, Any]]:
    """Returns (name, TFDV's measurement) of the columns."""
    import tensorflow_data_validation as tfdv

    now, before = (
        tfdv.generate_statistics_from_dataframe(side.table[columns].reset_index(drop=True))
        for side in (new, old)
    )
    if kind == "drift":
        anomalies = tfdv.validate_statistics(now, schema, previous_statistics=before)
    else:
        anomalies = tfdv.validate_statistics(before, schema, serving_statistics=now)
    return [
        (info.path.step[0], one)
        for info in anomalies.drift_skew_info
        for one in getattr(info, f"{kind}_measurements")
    ]


def _comparison(new: Sample, old: Sample, against: str, name: str, measured: Any) -> Comparison:
    from tensorflow_metadata.proto.v0 import anomalies_pb2

    kind = anomalies_pb2.DriftSkewInfo.Measurement.Type.Name(measured.type)
    return Comparison(
        what=name,
        against=against,
        sentence=f"{name} of {new.name} against {old.name}: {_NAMES.get(kind, kind)} "
        f"{measured.value:.3f}, at most {measured.threshold:g} in the schema",
        value=measured.value,
        threshold=measured.threshold,
        p_value=None,
        drifted=measured.value > measured.threshold,
    )
