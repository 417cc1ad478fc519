"""What a configuration for open-source Kubeflow adds, and refuses."""

from pathlib import Path

import pytest

from pipelines.cloud import config as cloud_config
from pipelines.cloud.kubeflow.config import KubeflowConfig, ServerConfig
from pipelines.cloud.platform_config import Dataflow
from trainer_modules.engine.errors import BadInputError


def _config(**values: object) -> KubeflowConfig:
    config = cloud_config.build({"target": "kubeflow", **values})
    assert isinstance(config, KubeflowConfig)
    return config


@pytest.mark.parametrize("host", ["localhost:8080", "ftp://h", "//h"])
def test_an_address_has_a_scheme(host: str) -> None:
    with pytest.raises(BadInputError, match=f"begin with http:// or https://. Received: {host}"):
        ServerConfig(host=host)


def test_a_kubernetes_account_is_none_of_google_cloud() -> None:
    config = _config(project="p", beam_region="r", service_account="pipeline-runner")
    assert config.container.service_account == "pipeline-runner"
    assert config.dataflow == Dataflow(project="p", region="r", region_options="beam-region")


def test_node_labels_are_a_table_of_a_file_and_no_option(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text('target = "kubeflow"\n[node_selector]\npool = "gpu"\n')
    config = cloud_config.build({}, str(file))
    assert isinstance(config, KubeflowConfig)
    assert config.accelerator.node_selector == {"pool": "gpu"}


def test_managing_schedules_needs_the_installation_alone() -> None:
    with pytest.raises(BadInputError, match="Required for kubeflow but missing: --host. Pass"):
        _config().check_manage()
    _config(host="http://h").check_manage()


@pytest.mark.parametrize("store", ["gs", "s3", "minio"])
def test_artifacts_may_lie_in_any_store_of_the_launcher(store: str) -> None:
    place = {"data": "/mnt/d", "image": "i", "serving_root": "/mnt/s"}
    _config(pipeline_root=f"{store}://b/r", **place).check_compile()
