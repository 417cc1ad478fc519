"""Options, files and what they refuse."""

import re
from pathlib import Path

import pytest

from pipelines import run_kubeflow
from pipelines.cloud import fields, targets
from pipelines.cloud import options as cloud_options
from pipelines.cloud.kubeflow.config import KubeflowConfig
from pipelines.cloud.platform_config import CloudConfig
from pipelines.cloud.vertex.config import VertexConfig
from trainer_modules.engine.errors import BadInputError


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
        (("--target", "kubeflow", "--host", "localhost:8080"), "begin with http:// or https://"),
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
    assert config.training_folder == "gs://b/r/mnist-b"
    assert apart.training_folder == "/models-training/digits"


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
    with pytest.raises(BadInputError, match="missing: --data, --image, --serving-root"):
        config.check_compile()


ONLY_VERTEX = ("--disk-gb", "300", "--label", "team=vision", "--notify-email", "a@b")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (
            ("--host", "http://h"),
            "--host belongs to the target kubeflow, but the target is vertex. Leave it out, or "
            "choose --target kubeflow.",
        ),
        (
            ("--target", "kubeflow", *ONLY_VERTEX),
            "--notify-email, --label, --disk-gb belong to the target vertex, but the target is "
            "kubeflow. Leave them out, or choose --target vertex. Name a service that sends e-mail "
            "with --notify-webhook.",
        ),
        (
            ("--target", "kubeflow", "--region", "r"),
            "--region belongs to the target vertex, but the target is kubeflow. Leave it out, or "
            "choose --target vertex. Dataflow's region is --beam-region.",
        ),
    ],
)
def test_options_of_another_target_are_refused(
    argv: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture
) -> None:
    assert run_kubeflow.main(["compile", *argv]) == 2
    printed = capsys.readouterr().err.removeprefix("error: ").strip()
    assert sorted(re.split("[ ,]+", printed)) == sorted(re.split("[ ,]+", sentence))


def test_a_file_of_another_target_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text('host = "http://h"\n[node_selector]\npool = "gpu"\n')
    assert run_kubeflow.main(["list", "--config", str(file), "--namespace", "n"]) == 2
    printed = capsys.readouterr().err
    for name in (f"'host' in {file}", f"'node_selector' in {file}", "--namespace"):
        assert name in printed
    assert "belong to the target kubeflow, but the target is vertex" in printed


def test_a_file_names_its_target(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text('target = "kubeflow"\nhost = "http://h"\nvolumes = ["a=/b"]\n')
    config = _config("compile", "--config", str(file), "--host", "http://other")
    assert isinstance(config, KubeflowConfig)
    assert (config.server.host, config.container.volumes) == ("http://other", ("a=/b",))


@pytest.mark.parametrize("name", targets.MODULES)
def test_options_are_declared_alike_wherever_they_are(name: str) -> None:
    """One flag for one key, the same type on every target: the command line is one for all."""
    own = fields.options(targets.find(name).configuration)
    assert len({leaf.flag for leaf in own.values() if leaf.flag}) == len(
        [leaf for leaf in own.values() if leaf.flag]
    )
    for other in targets.every():
        for key, leaf in fields.options(other.configuration).items():
            if key in own:
                assert (leaf.flag, leaf.kind) == (own[key].flag, own[key].kind), key


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
