"""`--lineage` and `--trained-on`, on a real ML Metadata store."""

import argparse
import io
import json

import pytest
from rich.console import Console

from components.pusher import releases
from pipelines.config import RunConfig
from pipelines.local.commands import lineage, trained_on
from tests.pipelines.local.ancestry.lineage_store import LineageStore
from trainer_modules.engine.errors import BadInputError

SPAN = {
    **{"span": "span-[b]1", "number": 1, "version": None, "newest": True, "sha256": "ab" * 32},
    **{"counts": {"train": 8}, "rejected": 1, "duplicates": 2},
}


@pytest.fixture
def config(tmp_path) -> RunConfig:
    """A root with two versions, the second made from the first."""
    config = RunConfig(task="digits", root=str(tmp_path))
    (tmp_path / "digits").mkdir()
    notes = LineageStore(tmp_path / "digits")
    first = notes.model([SPAN])
    second = notes.model([{**SPAN, "span": "span-2", "number": 2}], start=first)
    (tmp_path / "serving/digits").mkdir(parents=True)
    with open(releases.path(config.serving_folder), "w") as f:
        for version, model in (("100", first), ("101", second)):
            f.write(releases.Event(event="pushed", version=version, model=model.uri).line)
    return config


def _said(command, config: RunConfig, **options) -> str:
    console = Console(file=io.StringIO(), width=150)
    args = argparse.Namespace(**{"json": False, **options})
    assert command.run(config, args, console) == 0
    return console.file.getvalue()


def test_a_person_reads_it(config) -> None:
    said = _said(lineage, config, lineage="101")
    for part in ("101", "version 100", "span-2", "ab" * 6, "accuracy 0.5", "8 train", "scratch"):
        assert (part in said) != (part == "scratch"), part
    assert "span-[b]1" in _said(lineage, config, lineage="100")


def test_a_program_reads_it(config) -> None:
    told = json.loads(_said(lineage, config, lineage="101", json=True))
    assert told["start"].startswith("version 100 ") and told["spans"][0]["span"] == "span-2"


def test_a_bad_span_names_its_models(config) -> None:
    rows = json.loads(_said(trained_on, config, trained_on="1", json=True))
    assert [(r["version"], r["state"]) for r in rows] == [("100", "pushed"), ("101", "pushed")]
    assert rows[1]["how"].startswith("it started from ")
    assert "it learnt from the span" in _said(trained_on, config, trained_on="span-2")
    with pytest.raises(BadInputError, match="did you mean 'span-2'"):
        trained_on.run(config, argparse.Namespace(trained_on="span-3", json=False), Console())
