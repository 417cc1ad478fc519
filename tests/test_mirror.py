"""Every source file of some length has its own tests, where one looks for them."""

from pathlib import Path

import pytest

from tests.module_graph import LAYERS, ROOT

_LINES = 60
# These have tests under other names; each leaves the list with its own file.
_WITHOUT = {
    "trainer_modules/engine/networks/decoder.py",
    "trainer_modules/engine/training/examples.py",
    "trainer_modules/engine/training/phases.py",
    "components/evaluator/report.py",
    "pipelines/cloud/container_contract.py",
    "pipelines/cloud/container_look.py",
    "pipelines/cloud/data.py",
    "pipelines/cloud/doctor/accounts.py",
    "pipelines/cloud/doctor/command.py",
    "pipelines/cloud/doctor/google.py",
    "pipelines/cloud/doctor/quota.py",
    "pipelines/cloud/fields.py",
    "pipelines/cloud/kubeflow/config.py",
    "pipelines/cloud/kubeflow/kubernetes.py",
    "pipelines/cloud/kubeflow/looks.py",
    "pipelines/cloud/kubeflow/metadata.py",
    "pipelines/cloud/kubeflow/target.py",
    "pipelines/cloud/notify.py",
    "pipelines/cloud/options.py",
    "pipelines/cloud/parts.py",
    "pipelines/cloud/platform_config.py",
    "pipelines/cloud/target.py",
    "pipelines/cloud/vertex/config.py",
    "pipelines/cloud/vertex/target.py",
    "pipelines/local/archive.py",
    "pipelines/local/outcome.py",
    "pipelines/local/summary.py",
    "pipelines/platforms.py",
    "pipelines/report_nodes.py",
    "pipelines/run_kubeflow.py",
    "pipelines/run_local.py",
    "pipelines/tasks.py",
}


def _sources() -> list[str]:
    paths = [p for layer in LAYERS for p in sorted((ROOT / layer).rglob("*.py"))]
    return [
        p.relative_to(ROOT).as_posix()
        for p in paths
        if p.name != "__init__.py"
        and len(p.read_text(encoding="utf-8").splitlines()) > _LINES
        # A built-in task is data; test_tasks.py and test_recipes.py hold all of them to account.
        and p.parent != ROOT / "trainer_modules"
    ]


def _mirrored(source: str) -> Path:
    path = Path(source)
    return ROOT / "tests" / path.parent / f"test_{path.name}"


@pytest.mark.parametrize("source", _sources())
def test_a_file_has_its_tests_where_one_looks_for_them(source: str) -> None:
    if _mirrored(source).exists():
        assert source not in _WITHOUT, f"{source} has its tests now: take it off the list"
    else:
        assert source in _WITHOUT, f"{source} needs {_mirrored(source).relative_to(ROOT)}"


def test_the_list_names_files_that_are_there() -> None:
    assert set(_sources()) >= _WITHOUT, "gone, or short by now: take them off the list"
