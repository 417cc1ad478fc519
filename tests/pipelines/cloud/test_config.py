"""Options, files and what they refuse."""

from pathlib import Path

import pytest

from pipelines import run_kubeflow
from pipelines.cloud import config as cloud_config
from pipelines.cloud import options as cloud_options
from trainer_modules.engine.errors import BadInputError


def _config(*argv: str) -> cloud_config.CloudConfig:
    return cloud_options.config_from(cloud_options.parser().parse_args(argv))


@pytest.mark.parametrize("ending", ["toml", "yaml"])
def test_options_win_over_the_file(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"cloud.{ending}"
    file.write_text(
        {
            "toml": 'project = "p"\nregion = "r"\nspot = true\nvolumes = ["a=/b"]\n'
            '[labels]\nt = "v"\n',
            "yaml": "project: p\nregion: r\nspot: true\nvolumes: [a=/b]\nlabels: {t: v}\n",
        }[ending]
    )
    config = _config("compile", "--config", str(file), "--region", "other")
    assert (config.project, config.region, config.spot) == ("p", "other", True)
    assert config.volumes == ("a=/b",) and config.labels == {"t": "v"}


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


def test_everything_missing_is_named_at_once() -> None:
    config = _config("submit", "--data", "gs://b/d")
    with pytest.raises(BadInputError, match="--pipeline-root, --image, --project, --region") as e:
        config.check_submit()
    assert "--data" not in str(e.value)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--pipeline-root", "relative"), "absolute path"),
        (("--target", "vertx"), "did you mean 'vertex'"),
        (("--data", "s3://bucket/data"), "Mount the bucket"),
        (("--label", "nothing"), "KEY=VALUE"),
        (("--max-rejected", "2"), "within 0..1"),
    ],
)
def test_refused(argv: tuple[str, ...], message: str, capsys: pytest.CaptureFixture) -> None:
    assert run_kubeflow.main(["compile", *argv]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed
    assert "Traceback" not in printed


def test_models_are_pushed_below_the_root_unless_said_otherwise() -> None:
    config = _config("compile", "--pipeline-root", "gs://b/r/", "--task", "mnist:b")
    assert config.serving_folder == "gs://b/r/serving/mnist-b"
    assert config.artifacts_folder == "gs://b/r/mnist-b"
    apart = _config("compile", "--pipeline-root", "s3://b/r", "--serving-root", "/models")
    assert apart.serving_folder == "/models/digits"
    # Training's checkpoints, which TensorFlow writes itself.
    assert config.folder == "gs://b/r/mnist-b" and apart.folder == "/models-training/digits"


def test_a_root_that_models_cannot_be_pushed_to() -> None:
    argv = ("--pipeline-root", "s3://b/r", "--image", "i", "--data", "/d")
    with pytest.raises(BadInputError, match="--serving-root"):
        _config("compile", "--target", "kubeflow", *argv).check_compile()


@pytest.mark.parametrize(
    ("target", "root", "message"),
    [
        ("kubeflow", "/mnt/root", "Use gs:// or s3:// or minio://"),
        ("vertex", "s3://b/r", "vertex cannot keep artifacts there"),
    ],
)
def test_a_root_that_the_platform_cannot_use(target: str, root: str, message: str) -> None:
    argv = ("--pipeline-root", root, "--image", "i", "--data", "/d", "--serving-root", "/s")
    with pytest.raises(BadInputError, match=message):
        _config("compile", "--target", target, *argv).check_compile()


def test_vertex_is_sent_no_job_that_keeps_artifacts_in_a_folder() -> None:
    config = _config("submit", "--pipeline-root", "/tmp/root")
    with pytest.raises(BadInputError, match="gs:// only"):
        config.check_reachable()


def test_a_place_for_models_is_asked_for_with_all_else() -> None:
    config = _config("compile", "--target", "kubeflow", "--pipeline-root", "minio://b/r")
    with pytest.raises(BadInputError, match="missing: --image, --data, --serving-root"):
        config.check_compile()


def test_options_of_the_other_target_are_named() -> None:
    given = ("--disk-gb", "300", "--label", "team=vision", "--host", "http://h")
    assert _config("compile", *given).without_effect == ["host"]
    other = _config("compile", "--target", "kubeflow", *given)
    assert other.without_effect == ["labels", "disk_gb"]
    assert _config("compile").without_effect == []
