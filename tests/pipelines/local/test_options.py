import pytest

from pipelines.config import RunConfig
from pipelines.local import commands
from pipelines.local.options import from_args, local_parser
from trainer_modules.engine.errors import BadInputError


def _config(*argv: str) -> RunConfig:
    return from_args(local_parser().parse_args(argv))


def test_defaults_are_the_digits_job() -> None:
    config = _config()
    assert (config.task, config.data, config.max_rejected, config.fresh) == (
        "digits",
        None,
        0.01,
        False,
    )


def test_layout_under_the_root(tmp_path) -> None:
    config = _config("--root", str(tmp_path), "--task", "gtsrb")
    assert config.folder == str(tmp_path / "gtsrb")
    assert config.serving_folder == str(tmp_path / "serving" / "gtsrb")
    assert config.metadata_file == str(tmp_path / "gtsrb" / "metadata.sqlite")


def test_root_is_absolute_but_a_bucket_stays(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    assert _config("--root", "here").root == str(tmp_path / "here")
    assert _config("--root", "gs://bucket/runs").root == "gs://bucket/runs"


def test_settings_and_beam_options_repeat() -> None:
    config = _config("--set", "a=1", "--set", "b=2", "--beam=--direct_num_workers=2")
    assert config.settings == ("a=1", "b=2")
    assert config.beam_args[2:] == ["--direct_num_workers=2"]
    assert "FnApiRunner" in config.beam_args[0]


def test_another_beam_runner_replaces_ours() -> None:
    assert _config("--beam=--runner=FlinkRunner").beam_args == ["--runner=FlinkRunner"]


@pytest.mark.parametrize("fraction", ["-0.1", "1.5", "nan"])
def test_max_rejected_is_a_fraction(fraction: str) -> None:
    with pytest.raises(BadInputError, match="max-rejected"):
        _config("--max-rejected", fraction)


def test_a_command_is_told_from_a_run() -> None:
    assert commands.chosen(local_parser().parse_args(["--task", "mnist"])) is None
    assert commands.chosen(local_parser().parse_args(["--compare", "a", "b"])) == "compare"
    assert commands.chosen(local_parser().parse_args(["--list"])) == "list"
