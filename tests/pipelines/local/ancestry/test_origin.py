"""What a run notes of itself: options without passwords, code, environment."""

import json
import subprocess

import pytest

from pipelines.config import RunConfig
from pipelines.local import metadata_store
from pipelines.local.ancestry import origin


def test_options_are_noted_without_passwords(tmp_path) -> None:
    config = RunConfig(
        task="mnist:b", root=str(tmp_path), metadata="mysql://me:secret@db/x", settings=("a=1",)
    )
    about = origin.of_run(config, "20261121-030000-000")
    assert "secret" not in json.dumps(about)
    options = json.loads(about[origin.OPTIONS])
    assert (options["task"], options["settings"]) == ("mnist:b", ["a=1"])
    assert options["metadata"] == "mysql://db/x"
    assert about[origin.RUN_ID] == "20261121-030000-000"
    assert json.loads(about[origin.ENVIRONMENT])["tensorflow"].count(".") >= 2


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A repository of one file, under git."""
    for folder in ("pipelines", "components", "trainer_modules", "schemas"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pipelines/a.py").write_text("A = 1\n")
    (tmp_path / "uv.lock").write_text("lock")
    monkeypatch.setattr(origin, "_HOME", tmp_path)
    return tmp_path


def test_any_edit_of_code_or_schema_is_another_source(house) -> None:
    seen = {origin.source()}
    (house / "pipelines/a.py").write_text("A = 2\n")
    seen.add(origin.source())
    (house / "schemas/t.pbtxt").write_text("feature {}\n")
    seen.add(origin.source())
    (house / "schemas/t.pbtxt").rename(house / "schemas/u.pbtxt")
    seen.add(origin.source())
    assert len(seen) == 4
    (house / "pipelines/notes.txt").write_text("no code")
    assert origin.source() in seen


def test_the_revision_says_when_files_were_edited(house) -> None:
    assert origin.revision() == ""
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", str(house), *command], check=True)
    clean = origin.revision()
    assert len(clean) == 12 and "dirty" not in clean
    (house / "pipelines/a.py").write_text("A = 3\n")
    assert origin.revision() == f"{clean}-dirty"


def test_it_is_noted_on_the_context_that_tfx_uses(tmp_path, tfx_ready) -> None:
    from tfx.orchestration import metadata

    path = str(tmp_path / "m.sqlite")
    with metadata.Metadata(metadata_store.connection(path)) as handle:
        origin.write(handle, "now", {"run_id": "7", "revision": ""})
        origin.write(handle, "now", {"run_id": "8"})
    with metadata_store.opened(path) as store:
        (context,) = store.get_contexts()
        assert (context.type, context.name) == ("pipeline_run", "now")
        assert context.custom_properties["run_id"].string_value == "8"
