"""One run on this machine: its lock, and how it ends."""

from pathlib import Path

import pytest

from pipelines.config import RunConfig
from pipelines.local import locking, run
from trainer_modules.engine.errors import BadInputError


def test_two_runs_of_one_name_do_not_mix(tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    folder.mkdir()
    said = f"{folder} is in use by process .*another --name"
    with locking.held(str(folder)):
        with pytest.raises(BadInputError, match=said):
            run.once(RunConfig(root=str(tmp_path)))
        assert not (folder / "summary.json").exists()
