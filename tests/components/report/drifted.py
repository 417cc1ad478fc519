"""What DriftCheck leaves behind, made by hand: `drift.json` and `plots.json`."""

from typing import Any

PLOTS = {
    "labels": {
        "names": ["roses", "<b>tulips</b>"],
        "left_out": 0,
        "shares": {"newest": [0.9, 0.1], "window": [0.5, 0.5]},
    },
    "formats": {"names": ["JPEG"], "left_out": 0, "shares": {"newest": [1.0], "window": [1.0]}},
    "channels": {},
    "numbers": {
        "brightness": {
            "edges": [0, 0.5, 1],
            "shares": {"newest": [0.2, 0.8], "window": [0.8, 0.2]},
        },
        "height": {"edges": [7.5, 8, 8.5], "shares": {"newest": [0, 1], "window": [0, 1]}},
    },
    "features": {"window": {"newest": [[0, 1], [1, 1]], "old": [[2, 2]]}, "champion": {}},
}


def checked(status: str = "warned", **changed: Any) -> dict[str, Any]:
    """Returns `drift.json` of a night whose labels have drifted."""
    one = {
        "what": "labels",
        "against": "window",
        "sentence": "labels of the newest span 'span-<3>' against the 2 other spans: 'roses' more",
        "value": 0.4,
        "threshold": 0.1,
        "p_value": 0.0012,
    }
    return {
        "status": status,
        "findings": [one],
        "comparisons": [{**one, "drifted": True}, {**one, "what": "height", "drifted": False}],
        "notes": ["there is no champion yet"],
        "samples": {"newest": {"name": "the newest span 'span-<3>'", "examples": 1200}},
        **changed,
    }
