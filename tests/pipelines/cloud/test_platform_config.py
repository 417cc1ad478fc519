"""What the configurations of all platforms have in common."""

import pytest

from pipelines.cloud import options as cloud_options
from pipelines.cloud.platform_config import CloudConfig
from trainer_modules.engine.errors import BadInputError


def _config(*argv: str) -> CloudConfig:
    return cloud_options.config_from(cloud_options.parser().parse_args(argv))


def test_everything_missing_is_named_at_once() -> None:
    config = _config("submit", "--data", "gs://b/d")
    with pytest.raises(BadInputError, match="--pipeline-root, --image, --project, --region") as e:
        config.check_submit()
    assert "--data" not in str(e.value)


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


def test_a_place_for_models_is_asked_for_with_all_else() -> None:
    config = _config("compile", "--target", "kubeflow", "--pipeline-root", "minio://b/r")
    with pytest.raises(BadInputError, match="missing: --data, --image, --serving-root"):
        config.check_compile()
