"""Which version a command means, and whose model it is."""

import pytest

from components.pusher import releases
from pipelines.config import RunConfig
from pipelines.local.ancestry import version
from tests.pipelines.local.ancestry.lineage_store import LineageStore
from trainer_modules.engine.errors import BadInputError


@pytest.fixture
def config(tmp_path) -> RunConfig:
    config = RunConfig(task="digits", root=str(tmp_path / "runs"))
    for number in ("100", "101", "withdrawn/102"):
        folder = tmp_path / "runs/serving/digits" / number
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").touch()
        (folder / "variables/variables.index").touch()
        (folder / "variables/variables.data-00000-of-00001").touch()
    return config


def test_a_version_is_named_by_number_folder_or_as_the_latest(config, tmp_path) -> None:
    folder = f"{config.root}/serving/digits/101"
    for text in ("101", "latest", folder, folder + "/"):
        named = version.named(config, text)
        assert (named.version, named.model) == ("101", folder), text
        assert named.metadata == f"{config.root}/digits/metadata.sqlite"
    assert version.named(config, "102").model == f"{config.root}/serving/digits/withdrawn/102"
    # The folder says where its runs are, whatever --task and --root say.
    elsewhere = RunConfig(task="mnist", root=str(tmp_path / "other"))
    assert version.named(elsewhere, folder).metadata == f"{config.root}/digits/metadata.sqlite"
    withdrawn = version.named(elsewhere, f"{config.root}/serving/digits/withdrawn/102")
    assert withdrawn.serving_folder == f"{config.root}/serving/digits"


def test_a_removed_version_is_still_one(config) -> None:
    record = releases.path(config.serving_folder)
    with open(record, "w") as f:
        f.write(releases.Event(event="pushed", version="99", model="m").line)
        f.write(releases.Event(event="removed", version="99").line)
    assert version.named(config, "99").model == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [("17", "There: 100, 101, 102"), ("{tmp}", "holds no SavedModel"), ("newest", "'newest' must")],
)
def test_what_is_no_version_is_one_sentence(config, tmp_path, text, said) -> None:
    with pytest.raises(BadInputError, match=said):
        version.named(config, text.format(tmp=tmp_path))
    with pytest.raises(BadInputError, match="No version is served"):
        version.named(RunConfig(task="mnist", root=config.root), "latest")


def test_the_model_behind_a_version(config, tmp_path) -> None:
    notes = LineageStore(tmp_path)
    recorded, pushed = notes.model([]), notes.model([])
    with open(releases.path(config.serving_folder), "w") as f:
        f.write(releases.Event(event="pushed", version="101", model=recorded.uri).line)
    # A version that was pushed before there was a record.
    copy = notes.artifact("PushedModel")
    copy.custom_properties["pushed_version"].string_value = "100"
    notes.store.put_artifacts([copy])
    notes.execution("Pusher", {"model": pushed}, {"pushed_model": copy})
    for text, model in (("101", recorded), ("100", pushed)):
        assert version.trained(notes.store, version.named(config, text)).id == model.id
    with pytest.raises(BadInputError, match="knows nothing of version 102"):
        version.trained(notes.store, version.named(config, "102"))
    named = version.named(config, "101")
    assert version.of_model(named, recorded.uri) == f"version 101 ({recorded.uri})"
    assert (version.of_model(named, "elsewhere"), version.of_model(named, "")) == ("elsewhere", "")
