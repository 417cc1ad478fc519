"""What a configuration for Vertex AI refuses."""

import pytest

from pipelines.cloud import config as cloud_config
from pipelines.cloud import options as cloud_options
from pipelines.cloud.platform_config import CloudConfig, Dataflow
from pipelines.cloud.vertex.config import DeploymentConfig, VertexNotifyConfig
from trainer_modules.engine.errors import BadInputError


def _config(*argv: str) -> CloudConfig:
    return cloud_options.config_from(cloud_options.parser().parse_args(argv))


def test_vertex_is_sent_no_job_that_keeps_artifacts_in_a_folder() -> None:
    config = _config("submit", "--pipeline-root", "/tmp/root")
    with pytest.raises(BadInputError, match="gs:// only"):
        config.check_reachable()


def test_an_endpoint_needs_a_model() -> None:
    with pytest.raises(BadInputError, match="--model-registry is required too"):
        cloud_config.build({"serving_endpoint": "live"})


@pytest.mark.parametrize(
    ("replicas", "machines"), [("1", (1, 1)), ("2:5", (2, 5)), ("3:3", (3, 3)), ("4:", (4, 4))]
)
def test_fewest_and_most_machines(replicas: str, machines: tuple[int, int]) -> None:
    assert DeploymentConfig(replicas=replicas).machines == machines


@pytest.mark.parametrize("replicas", ["0", "2:1", "a", "-1:2", "1:2:3", ""])
def test_machines_that_cannot_be(replicas: str) -> None:
    with pytest.raises(BadInputError, match=f"at least 1. Received: {replicas}$"):
        DeploymentConfig(replicas=replicas)


@pytest.mark.parametrize("address", ["me", "@example.com", "me@", "me @example.com", ""])
def test_what_is_no_address_of_mail(address: str) -> None:
    with pytest.raises(BadInputError, match="--notify-email must be an e-mail address"):
        VertexNotifyConfig(email=("a@b", address))


def test_mail_is_written_by_the_platform_and_a_secret_cannot_reach_a_step() -> None:
    assert VertexNotifyConfig(email=("a@b", "c@d")).addresses == ("a@b", "c@d")
    with pytest.raises(BadInputError, match="cannot receive secrets as variables"):
        VertexNotifyConfig(webhook="env:HOOK")


def test_dataflow_runs_beside_the_steps_unless_said_otherwise() -> None:
    given = ("--project", "p", "--region", "r", "--service-account", "sa", "--label", "b=2")
    given += ("--encryption-key", "key", "--label", "a=1")
    dataflow = _config("compile", *given).dataflow
    assert dataflow == Dataflow(
        project="p",
        region="r",
        region_options="region or --beam-region",
        service_account="sa",
        encryption_key="key",
        labels=(("a", "1"), ("b", "2")),
    )
    assert _config("compile", *given, "--beam-region", "other").dataflow.region == "other"


def test_models_are_registered_from_a_bucket_and_into_a_project() -> None:
    place = ("--data", "gs://b/d", "--image", "i", "--pipeline-root", "gs://b/r")
    registered = (*place, "--model-registry", "Digits")
    with pytest.raises(BadInputError, match="missing: --project, --region"):
        _config("compile", *registered).check_compile()
    with pytest.raises(BadInputError, match="Vertex AI reads models from gs://"):
        _config("compile", *registered, "--serving-root", "/mnt/m").check_compile()
    _config("compile", *registered, "--project", "p", "--region", "r").check_compile()
    # Without a registry neither is asked for.
    _config("compile", *place).check_compile()
