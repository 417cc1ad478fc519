"""Shared fixtures. TensorFlow and TFX are imported the way a run imports them."""

import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import trainer_modules  # noqa: F401  (chooses tf_keras before anything imports TensorFlow)


@pytest.fixture(scope="session")
def tfx_ready() -> None:
    """Imports TFX through the project's start-up; needed before `tensorflow_model_analysis`."""
    from pipelines import startup

    startup.prepare()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the golden files anew, for review"
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
