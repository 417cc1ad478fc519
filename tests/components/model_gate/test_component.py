"""The blessing artifact, as Pusher and the next run read it."""

import json
from pathlib import Path

import pytest
from tfx.components.util import model_utils

from tests.components.blessed_models import a_model, gate


@pytest.mark.parametrize(("bound", "blessed"), [(0.8, True), (0.95, False)])
def test_blessing_is_what_pusher_reads(tmp_path: Path, bound: float, blessed: bool) -> None:
    model = a_model(tmp_path, 7)
    blessing = gate(tmp_path, model, bound)
    assert model_utils.is_model_blessed(blessing) is blessed
    folder = Path(blessing.uri)
    assert (folder / "BLESSED").exists() is blessed
    assert (folder / "NOT_BLESSED").exists() is not blessed
    assert blessing.get_int_custom_property("current_model_id") == 7
    assert blessing.get_string_custom_property("current_model") == model.uri
    assert blessing.get_string_custom_property("baseline_model") == "/models/before"
    judged = json.loads((folder / "gates.json").read_text())
    assert [(one["metric"], one["passed"]) for one in judged] == [("accuracy", blessed)]
    assert judged[0]["status"] == ("passed" if blessed else "failed")
