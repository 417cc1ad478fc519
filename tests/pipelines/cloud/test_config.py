"""Options, files and what they refuse."""

from pathlib import Path

import pytest

from pipelines.cloud import options as cloud_options
from pipelines.cloud.kubeflow.config import KubeflowConfig
from pipelines.cloud.platform_config import CloudConfig
from trainer_modules.engine.errors import BadInputError


def _config(*argv: str) -> CloudConfig:
    return cloud_options.config_from(cloud_options.parser().parse_args(argv))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('projet = "p"', "did you mean 'project'"),
        ("disk_gb = 'big'", "disk_gb must be int"),
        ("disk_gb = true", "disk_gb must be int"),
        ("project = [", "is not valid TOML"),
    ],
)
def test_wrong_file(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "cloud.toml"
    file.write_text(content)
    with pytest.raises(BadInputError, match=message):
        _config("compile", "--config", str(file))


def test_a_file_names_its_target(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text('target = "kubeflow"\nhost = "http://h"\nvolumes = ["a=/b"]\n')
    config = _config("compile", "--config", str(file), "--host", "http://other")
    assert isinstance(config, KubeflowConfig)
    assert (config.server.host, config.container.volumes) == ("http://other", ("a=/b",))
