"""Models that an earlier version pushed are predicted with and served by this one.

The archive holds what format version 2 wrote: `digits/1`, a linear classifier of 8 × 8 grey images,
and `boston_housing/1`, a regression on 13 standardised columns; neither was trained.
"""

import base64
import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from starlette.testclient import TestClient

from components.bulk_predict import run
from components.bulk_predict.inputs import Keys
from pipelines.config import RunConfig
from pipelines.serving.http import Limits, Server
from pipelines.serving.models import Served
from trainer_modules import boston_housing
from trainer_modules.engine.saved_model import read

ARCHIVE = Path(__file__).parent / "trainer_modules/engine/saved_model/golden"
STORED = Path(__file__).parent / "trainer_modules/engine/task/golden/task_format_1.jsonl"
COLUMNS = boston_housing.COLUMNS
ROWS = np.random.default_rng(0).normal(3, 2, (3, len(COLUMNS))).round(3)


@pytest.fixture(scope="module", params=[1, 2])
def pushed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of served models, as format version 1 or 2 describes them."""
    folder = tmp_path_factory.mktemp("serving")
    with tarfile.open(ARCHIVE / "saved_models_format_2.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    if request.param == 1:
        lines = STORED.read_text(encoding="utf-8").splitlines()
        older = {task["name"]: task for task in map(json.loads, lines)}
        for model, name in (("digits", "digits"), ("boston_housing", "boston_housing-all")):
            asset = folder / model / "1" / "assets" / "task.json"
            asset.write_text(json.dumps(older[name]), encoding="utf-8")
    return folder


def _values(folder: Path) -> np.ndarray:
    """What the regression answers, computed from its variables alone."""
    import tensorflow as tf

    kernel, bias = (
        tf.train.load_variable(str(folder / "1" / "variables" / "variables"), name)
        for name in _variables(folder)
    )
    found: np.ndarray = ((ROWS - 1) / 2) @ kernel + bias
    return found[:, 0]


def _variables(folder: Path) -> tuple[str, str]:
    import tensorflow as tf

    shapes = dict(tf.train.list_variables(str(folder / "1" / "variables" / "variables")))
    (kernel,) = [name for name, shape in shapes.items() if shape == [len(COLUMNS), 1]]
    (bias,) = [name for name, shape in shapes.items() if shape == [1]]
    return kernel, bias


def _png(value: int) -> bytes:
    file = io.BytesIO()
    Pillow.new("L", (8, 8), value).save(file, "PNG")
    return file.getvalue()


def test_their_tasks_are_read(pushed: Path) -> None:
    digits, boston = (read.task(str(pushed / name / "1")) for name in ("digits", "boston_housing"))
    assert digits.input.shape == (8, 8, 1) and boston.input.columns == COLUMNS
    assert boston.input.standardises and boston.problem.raw_label == "MEDV"


def test_predict_takes_a_table(pushed: Path, tmp_path: Path) -> None:
    data, output = tmp_path / "rows.csv", tmp_path / "out.csv"
    # Another order than the model's, which the header has to put right.
    with data.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS[::-1])
        writer.writerows(ROWS[:, ::-1].tolist())
    outcome = run.predict(
        model_folder=str(pushed / "boston_housing"),
        data=str(data),
        output=str(output),
        keys=Keys(),
        beam_args=RunConfig().beam_args,
    )
    assert (outcome.rows, outcome.errors) == (3, 0)
    with output.open(newline="", encoding="utf-8") as file:
        values = [float(row["value"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(values, _values(pushed / "boston_housing"), rtol=1e-4)


def test_serve_answers_images_and_rows(pushed: Path) -> None:
    served = [Served(name, str(pushed / name)) for name in ("digits", "boston_housing")]
    for one in served:
        one.refresh()
        assert one.current is not None, one.failures
    server = Server(served, Limits())
    try:
        with TestClient(server.app()) as client:
            instance = {"image_bytes": {"b64": base64.b64encode(_png(200)).decode()}}
            answer = client.post("/v1/models/digits:predict", json={"instances": [instance]})
            assert answer.status_code == 200, answer.text
            (prediction,) = answer.json()["predictions"]
            assert np.isclose(sum(prediction["probabilities"]), 1, atol=1e-5)
            assert prediction["label"] == str(np.argmax(prediction["probabilities"]))
            rows = [dict(zip(COLUMNS, row, strict=True)) for row in ROWS.tolist()]
            answer = client.post("/v1/models/boston_housing:predict", json={"instances": rows})
            assert answer.status_code == 200, answer.text
            found = [p["value"] if isinstance(p, dict) else p for p in answer.json()["predictions"]]
            np.testing.assert_allclose(found, _values(pushed / "boston_housing"), rtol=1e-4)
    finally:
        server.stop()
