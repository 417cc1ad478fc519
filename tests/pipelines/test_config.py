"""The configuration as a program makes it, without a command line."""

import pytest

from pipelines.config import RunConfig
from trainer_modules.engine.errors import BadInputError


def test_a_variant_has_its_own_places(tmp_path) -> None:
    config = RunConfig(task="mnist:b", root=str(tmp_path))
    assert config.folder == str(tmp_path / "mnist-b")
    assert config.artifacts_folder == str(tmp_path / "mnist-b" / "artifacts")


def test_a_root_in_a_bucket_keeps_no_checkpoints() -> None:
    assert RunConfig(root="gs://bucket/runs").checkpoints_folder == ""


def test_a_configuration_is_checked_when_it_is_made() -> None:
    with pytest.raises(BadInputError, match="--tune must be a number of trials. Received: -1"):
        RunConfig(tune=-1)
    with pytest.raises(BadInputError, match="--on-drift must be one of warn, stop, hold. Rec.*: x"):
        RunConfig(on_drift="x")
    with pytest.raises(BadInputError, match=r"--promote must be auto or hold\. Received: later"):
        RunConfig(promote="later")
    with pytest.raises(BadInputError, match="--keep must be a number of versions"):
        RunConfig(keep=-1)
