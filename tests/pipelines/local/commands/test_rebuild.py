"""`--rebuild` where there is nothing to rebuild; tests/test_rebuild_end_to_end.py does it."""

import argparse

import pytest
from rich.console import Console

from components.pusher import releases
from pipelines.config import RunConfig
from pipelines.local.commands import rebuild
from tests.pipelines.local.ancestry.lineage_store import LineageStore
from trainer_modules.engine.errors import BadInputError


@pytest.mark.parametrize(
    ("version", "said"), [("100", "were removed"), ("101", "was not trained"), ("7", "must be a")]
)
def test_what_cannot_be_made_again_is_one_sentence(tmp_path, version, said) -> None:
    config = RunConfig(task="digits", root=str(tmp_path))
    (tmp_path / "digits").mkdir()
    notes = LineageStore(tmp_path / "digits")
    exported = notes.artifact("Model")
    notes.execution("PretrainedModel", {}, {"model": exported})
    served = tmp_path / "serving/digits/101"
    (served / "variables").mkdir(parents=True)
    for name in ("saved_model.pb", "variables/variables.index"):
        (served / name).touch()
    (served / "variables/variables.data-00000-of-00001").touch()
    with open(releases.path(config.serving_folder), "w") as f:
        f.write(releases.Event(event="pushed", version="100", model=notes.model([]).uri).line)
        f.write(releases.Event(event="removed", version="100").line)
        f.write(releases.Event(event="pushed", version="101", model=exported.uri).line)
    with pytest.raises(BadInputError, match=said):
        rebuild.run(config, argparse.Namespace(rebuild=version), Console())
    assert not (tmp_path / "digits/rebuilds").exists()
