"""The command line of every platform in one parser."""

from pathlib import Path

import pytest

from pipelines import run_kubeflow
from pipelines.cloud import fields, targets
from pipelines.cloud import options as cloud_options
from pipelines.cloud.platform_config import CloudConfig
from pipelines.cloud.vertex.config import VertexConfig


def _config(*argv: str) -> CloudConfig:
    return cloud_options.config_from(cloud_options.parser().parse_args(argv))


@pytest.mark.parametrize("ending", ["toml", "yaml"])
def test_options_win_over_the_file(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"cloud.{ending}"
    file.write_text(
        {
            "toml": 'project = "p"\nregion = "r"\nspot = true\nnotify_email = ["a@b"]\n'
            '[labels]\nt = "v"\n',
            "yaml": "project: p\nregion: r\nspot: true\nnotify_email: [a@b]\nlabels: {t: v}\n",
        }[ending]
    )
    config = _config("compile", "--config", str(file), "--region", "other")
    assert isinstance(config, VertexConfig)
    assert (config.google.project, config.google.region) == ("p", "other")
    assert config.accelerator.spot is True and config.google.labels == {"t": "v"}
    assert config.notify.email == ("a@b",)


def test_every_option_is_explained_and_says_whose_it_is(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        run_kubeflow.main(["compile", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "--namespace NAMESPACE namespace of the Kubeflow profile" in printed
    assert "(kubeflow only)" in printed and "(vertex only)" in printed
    assert "--no-cache" not in printed and "--dry-run" not in printed
    for target in targets.every():
        for leaf in fields.options(target.configuration).values():
            assert leaf.help, leaf.key
