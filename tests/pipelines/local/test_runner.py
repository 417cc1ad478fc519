"""What the runner tells of each node, on a pipeline of one small component."""

from pathlib import Path

import pytest

from pipelines import startup

startup.prepare()

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter  # noqa: E402
from tfx.dsl.component.experimental.decorators import component  # noqa: E402
from tfx.orchestration import metadata  # noqa: E402
from tfx.orchestration.pipeline import Pipeline  # noqa: E402
from tfx.types import standard_artifacts  # noqa: E402

from pipelines.local.runner import LocalRunner, NodeFailedError  # noqa: E402


@component
def Maker(out: OutputArtifact[standard_artifacts.Model], fails: Parameter[int] = 0) -> None:
    if fails:
        raise ZeroDivisionError("no luck")
    with open(f"{out.uri}/it", "w") as f:
        f.write("made")


def _run(folder, nodes) -> tuple[LocalRunner, list[str]]:
    started: list[str] = []
    runner = LocalRunner(started=started.append, finished=lambda result: None)
    runner.run(_pipeline(folder, nodes))
    return runner, started


def _pipeline(folder, nodes) -> Pipeline:
    return Pipeline(
        pipeline_name="p",
        pipeline_root=str(folder / "root"),
        components=nodes,
        enable_cache=True,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "db.sqlite")
        ),
    )


def test_says_what_ran_what_was_cached_and_where_the_outputs_are(tmp_path) -> None:
    first, started = _run(tmp_path, [Maker().with_id("a")])
    assert started == ["a"]
    (result,) = first.results
    assert (result.cached, result.resolver) == (False, False)
    uri = result.outputs["out"][0].uri
    assert Path(uri, "it").read_text() == "made"
    second, _ = _run(tmp_path, [Maker().with_id("a")])
    assert second.results[0].cached
    assert second.results[0].outputs["out"][0].uri == uri


def test_names_the_node_that_failed_and_keeps_those_before(tmp_path) -> None:
    results = []
    runner = LocalRunner(started=lambda _: None, finished=results.append)
    first, second = Maker().with_id("first"), Maker(fails=1).with_id("second")
    second.add_upstream_node(first)
    pipeline = _pipeline(tmp_path, [first, second])
    with pytest.raises(NodeFailedError) as failed:
        runner.run(pipeline)
    assert failed.value.node_id == "second"
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    assert [r.id for r in results] == ["first"]
