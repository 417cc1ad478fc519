"""Where an inferred schema is offered for review, and what is told of the next night's."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from pipelines.config import RunConfig
from pipelines.local import conclusion, schema_review
from pipelines.local.summary import Summary

SCHEMA = 'feature { name: "label" type: BYTES domain: "label" }\n'
ONE, TWO = (f'string_domain {{ name: "label" value: "a" {more}}}' for more in ("", 'value: "b" '))


@pytest.fixture
def night(tmp_path: Path):
    """Returns a function from a run id and the inferred schema's text to what is told of it."""
    config = RunConfig(task=f"{tmp_path}/mine.py", root=str(tmp_path / "runs"))

    def run(run_id: str, text: str | None) -> dict:
        results = []
        if text is not None:
            uri = tmp_path / "artifact" / run_id
            uri.mkdir(parents=True)
            (uri / "schema.pbtxt").write_text(text)
            outputs = {"schema": [SimpleNamespace(uri=str(uri))]}
            results = [SimpleNamespace(id="InferredSchema", outputs=outputs)]
        return schema_review.offered(config, run_id=run_id, results=results)

    return run


def _told(schema: dict) -> str:
    out = io.StringIO()
    summary = Summary(task="mine", run_id="r", status="pushed", schema=schema)
    summary.seconds["total"] = 1.0
    conclusion.show(Console(file=out, width=400), summary)
    return out.getvalue()


def test_each_nights_schema_is_kept_and_compared_with_the_one_before(night, tmp_path) -> None:
    first = night("1", SCHEMA + ONE)
    assert first["inferred"] and first["changes"] == []
    assert Path(first["path"]) == tmp_path / "runs/mine/runs/1/mine.pbtxt"
    assert first["put_it_at"] == str(tmp_path / "mine.pbtxt")
    assert (
        Path(first["path"]).read_text().startswith("# Inferred from the training split of run 1;")
    )
    told = _told(first)
    assert f"review {first['path']} and put it at {tmp_path}/mine.pbtxt" in told
    assert "changed" not in told
    second = night("2", SCHEMA + TWO)
    assert second["changes"] == ["'label': values added: b"]
    assert "since the last inferred schema: 'label': values added: b" in _told(second)
    assert night("3", SCHEMA + TWO)["changes"] == []


def test_a_reviewed_schema_is_named_and_nothing_is_offered(night, tmp_path) -> None:
    (tmp_path / "mine.pbtxt").write_text(SCHEMA)
    told = night("1", None)
    assert told == {"inferred": False, "path": str(tmp_path / "mine.pbtxt")}
    assert "schema" not in _told(told)


def test_nothing_is_said_of_a_run_that_did_not_get_so_far_or_of_a_built_in_task(night) -> None:
    assert night("1", None) == {}
    config = RunConfig(task="digits", root="/r")
    assert schema_review.offered(config, run_id="1", results=[]) == {}
