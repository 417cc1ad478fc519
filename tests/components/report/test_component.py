"""Report and ModelCard as components, on artifacts made by hand."""

import base64
import html
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.components.report import runs

FLOWERS = ("daisy", "<roses>")


def _example(**features: bytes | int) -> bytes:
    import tensorflow as tf

    found = {
        name: tf.train.Feature(
            **(
                {"int64_list": tf.train.Int64List(value=[value])}
                if isinstance(value, int)
                else {"bytes_list": tf.train.BytesList(value=[value])}
            )
        )
        for name, value in features.items()
    }
    serialized: bytes = tf.train.Example(
        features=tf.train.Features(feature=found)
    ).SerializeToString()
    return serialized


def _write(folder: Path, split: str, examples: list[bytes], shards: int = 2) -> None:
    import tensorflow as tf

    target = folder / f"Split-{split}"
    target.mkdir(parents=True)
    for shard in range(shards):
        name = str(target / f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz")
        with tf.io.TFRecordWriter(name, "GZIP") as writer:
            for example in examples[shard::shards]:
                writer.write(example)


@pytest.fixture(scope="module")
def task() -> Any:
    from trainer_modules.engine.problems import Classification
    from trainer_modules.engine.task.sources import ImageFolders
    from trainer_modules.engine.task.task import Augment, Images, Network, Phase, Task, Training

    return Task(
        name="flowers",
        source=ImageFolders(),
        problem=Classification(classes=FLOWERS),
        input=Images(height=8, width=8, channels=3),
        model=Network(),
        phases=(Phase(epochs=1),),
        train=Training(augment=Augment(flip=True, brightness=0.3)),
    )


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory, tfx_ready: None) -> dict[str, Any]:
    """The inputs of Report: a small run whose evaluation names examples that exist."""
    from tfx.types import standard_artifacts

    from components.example_gen.artifacts import RejectedExamples

    folder = tmp_path_factory.mktemp("run")
    found = runs.report(FLOWERS, 60)
    runs.write(folder, FLOWERS, report=found)
    ids = [f"{name[:12]}/{i:05d}.jpg" for i in range(60) for name in FLOWERS]
    _write(
        folder / "examples",
        "test",
        [_example(id=name.encode(), image=runs.image(i)) for i, name in enumerate(ids)],
    )
    from PIL import Image

    stored = []
    for i in range(30):
        buffer = io.BytesIO()
        Image.fromarray(np.full((8, 8, 3), 8 * i, np.uint8)).save(buffer, "PNG")
        stored.append(_example(id=b"%d" % i, image=buffer.getvalue(), label=i % 2))
    _write(folder / "transformed", "train", stored)
    (folder / "statistics").mkdir()
    made = {
        "examples": (standard_artifacts.Examples, "examples", ["test"]),
        "transformed_examples": (standard_artifacts.Examples, "transformed", ["train"]),
        "rejected": (RejectedExamples, "rejected", None),
        "statistics_of_data": (standard_artifacts.ExampleStatistics, "statistics", ["train"]),
        "model": (standard_artifacts.Model, "model", None),
        "model_run": (standard_artifacts.ModelRun, "model_run", None),
        "evaluation": (standard_artifacts.ModelEvaluation, "evaluation", None),
        "blessing": (standard_artifacts.ModelBlessing, "blessing", None),
    }
    inputs = {}
    for key, (kind, name, splits) in made.items():
        artifact = kind()
        artifact.uri = str(folder / name)
        if splits:
            artifact.split_names = json.dumps(splits)
        inputs[key] = artifact
    return inputs


@pytest.fixture(scope="module")
def drawn(
    artifacts: dict[str, Any], task: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Report's outputs."""
    from components.report.artifacts import HtmlPage, RunReport
    from components.report.component import Report
    from trainer_modules.engine.task import overrides

    folders = {name: tmp_path_factory.mktemp(name) for name in ("report", "html")}
    report, html = RunReport(), HtmlPage()
    report.uri, html.uri = str(folders["report"]), str(folders["html"])
    Report.test_call(
        **artifacts,
        report=report,
        html=html,
        task=overrides.to_json(task),
        data="/data/flowers",
        code_fingerprint="c0de",
    )
    return folders


def test_report_is_a_page_a_grid_and_a_card(drawn: dict[str, Path]) -> None:
    assert sorted(os.listdir(drawn["report"])) == [
        "MODEL_CARD.md",
        "index.html",
        "samples.png",
        "statistics.json",
    ]
    index = (drawn["report"] / "index.html").read_text(encoding="utf-8")
    assert (drawn["html"] / "index.html").read_text(encoding="utf-8") == index
    # This run's statistics cannot be read; that is said, and the rest is there.
    assert index.count(" could not be read. ") == 1
    assert index.count(" could not be drawn. ") == 1
    assert "c0de" in index and "/data/flowers" in index.replace("<wbr>", "")


def test_galleries_show_the_very_examples(
    drawn: dict[str, Path], artifacts: dict[str, Any]
) -> None:
    from PIL import Image

    index = (drawn["report"] / "index.html").read_text(encoding="utf-8")
    report = json.loads(Path(artifacts["evaluation"].uri, "report.json").read_text())
    first = report["details"]["most_wrong"][0]["id"]
    i = [f"{name[:12]}/{i:05d}.jpg" for i in range(60) for name in FLOWERS].index(first)
    figure = index.split(f'data-id="{html.escape(first)}"')[1]
    shown = re.search('src="data:[^,]*,([^"]*)"', figure)
    assert shown is not None
    found = Image.open(io.BytesIO(base64.b64decode(shown[1]))).convert("RGB")
    original = Image.open(io.BytesIO(runs.image(i))).resize(found.size)
    assert np.abs(np.asarray(found, float) - np.asarray(original, float)).mean() < 6
    assert "no picture" not in index.split("</style>")[1].split("<script>")[0]


def test_samples_show_training_images_and_their_augmentation(drawn: dict[str, Path]) -> None:
    from PIL import Image

    sheet = np.asarray(Image.open(drawn["report"] / "samples.png"))
    # 24 of the 30 images, each of one grey; brightness moves those of the second block.
    greys = [
        v for v in range(8, 240, 8) if (sheet[: sheet.shape[0] // 2] == v).all(-1).sum() > 9000
    ]
    below = [v for v in greys if (sheet[sheet.shape[0] // 2 :] == v).all(-1).sum() > 9000]
    assert len(greys) >= 22
    assert len(below) < len(greys) / 2


def test_card_lies_beside_the_pushed_model(drawn: dict[str, Path], tmp_path: Path) -> None:
    from tfx.types import standard_artifacts

    from components.report.artifacts import MarkdownPage, RunReport
    from components.report.component import ModelCard

    report, pushed, card = RunReport(), standard_artifacts.PushedModel(), MarkdownPage()
    report.uri, card.uri = str(drawn["report"]), str(tmp_path / "card.md")
    ModelCard.test_call(report=report, pushed_model=pushed, card=card)
    assert (tmp_path / "card.md").read_text().startswith("# Model card: flowers")

    pushed.set_string_custom_property("pushed_destination", str(tmp_path / "17"))
    ModelCard.test_call(report=report, pushed_model=pushed, card=card)
    assert (tmp_path / "17/MODEL_CARD.md").read_text() == (tmp_path / "card.md").read_text()


def test_platforms_are_told_what_a_page_is(tfx_ready: None) -> None:
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils
    from tfx.utils import import_utils

    from components.report import artifacts

    def declared(kind: Any) -> dict[str, Any]:
        return {"artifactType": {"instanceSchema": compiler_utils.get_artifact_schema(kind)}}

    compiled = {"a": [declared(artifacts.HtmlPage)], "b": declared(artifacts.RunReport)}
    shown = artifacts.as_shown_by_platforms(compiled)
    assert shown["a"][0]["artifactType"]["schemaTitle"] == "system.HTML"
    assert shown["b"] == compiled["b"]

    artifacts.register_shown_types()
    for title, kind in (
        ("system.HTML", artifacts.HtmlPage),
        ("system.Markdown", artifacts.MarkdownPage),
        ("components.RunReport", artifacts.RunReport),
    ):
        schema = compiler_utils.pipeline_pb2.ArtifactTypeSchema(schema_title=title)
        path = kubeflow_v2_entrypoint_utils._retrieve_class_path(schema)
        assert import_utils.import_class_by_path(path) is kind
