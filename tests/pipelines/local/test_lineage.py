import pytest

from pipelines.local.runner import NodeFailedError
from trainer_modules.engine.errors import BadInputError, TrainingError


@pytest.fixture(scope="module")
def lineage(tfx_ready):
    from pipelines.local import lineage

    return lineage


def _failure(cause: Exception) -> NodeFailedError:
    failure = NodeFailedError("Transform", 1.0)
    failure.__cause__ = cause
    return failure


def test_bad_input_anywhere_in_the_chain_is_exit_2(lineage) -> None:
    outer = RuntimeError("beam says no [while running 'x']")
    outer.__cause__ = BadInputError("photo.jpg is empty [while running 'Check']")
    assert lineage.explain(_failure(outer)) == ("photo.jpg is empty", 2)


def test_other_failures_name_component_and_reason(lineage) -> None:
    text, code = lineage.explain(_failure(TrainingError("the loss is NaN in epoch 3")))
    assert (text, code) == ("Transform failed: the loss is NaN in epoch 3", 1)
    text, code = lineage.explain(_failure(OSError("disk full\n\nlong story")))
    assert (text, code) == ("Transform failed: OSError: disk full", 1)


@pytest.mark.parametrize(
    ("events", "forgotten"),
    [((), True), (("pushed",), True), (("withdrawn",), False), (("pushed", "removed"), False)],
)
def test_a_version_that_vanished_is_pushed_again_unless_somebody_took_it_away(
    lineage, tmp_path, events: tuple[str, ...], forgotten: bool
) -> None:
    from ml_metadata.proto import metadata_store_pb2 as mlmd
    from tfx.orchestration import metadata

    from components.pusher import recording
    from components.pusher.releases import Event
    from pipelines.local import metadata_store

    for event in events:
        recording.append(str(tmp_path / "serving"), Event(event=event, version="7"))
    (tmp_path / "pushed").mkdir()
    config = metadata_store.connection(str(tmp_path / "metadata.sqlite"))
    with metadata.Metadata(config) as handle:
        kind = handle.store.put_artifact_type(
            mlmd.ArtifactType(name="PushedModel"), can_add_fields=True
        )
        artifact = mlmd.Artifact(
            type_id=kind, uri=str(tmp_path / "pushed"), state=mlmd.Artifact.LIVE
        )
        destination = artifact.custom_properties["pushed_destination"]
        destination.string_value = str(tmp_path / "serving" / "7")
        handle.store.put_artifacts([artifact])
    lineage.forget_vanished_pushes(config)
    assert (tmp_path / "pushed").exists() is not forgotten
