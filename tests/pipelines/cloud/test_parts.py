"""What every platform's configuration refuses, part by part."""

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.cloud.parts import NotifyConfig, StorageConfig, WorkConfig
from trainer_modules.engine.errors import BadInputError


@pytest.mark.parametrize(
    ("part", "values", "message"),
    [
        (WorkConfig, {"data": "s3://b/d"}, "--data s3://b/d: .*Mount the bucket"),
        (WorkConfig, {"max_rejected": 1.5}, "--max-rejected must be a fraction within"),
        (WorkConfig, {"tune": -1}, "tune"),
        (WorkConfig, {"on_drift": "ask"}, "--on-drift must be one of warn, stop, hold"),
        (WorkConfig, {"name": "a/b"}, "--name"),
        (StorageConfig, {"pipeline_root": "runs"}, "--pipeline-root must be gs://.*Received: runs"),
        (StorageConfig, {"serving_root": "./m"}, "--serving-root must be gs://.*absolute path"),
        (StorageConfig, {"serving_root": "minio://b/m"}, "only the pipeline root may be s3://"),
        (NotifyConfig, {"webhook": "hooks.example.com"}, "--notify-webhook must be http://"),
        (NotifyConfig, {"webhook": ""}, "--notify-webhook must be http://"),
    ],
)
def test_what_cannot_work_is_refused(
    part: Callable[..., Any], values: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        part(**values)


@pytest.mark.parametrize("root", ["gs://b/r", "s3://b/r", "minio://b/r", "/mnt/r"])
def test_artifacts_may_lie_where_models_may_not(root: str) -> None:
    assert StorageConfig(pipeline_root=root).pipeline_root == root
    if "://" in root and not root.startswith("gs://"):
        with pytest.raises(BadInputError, match="TensorFlow reads and writes only gs://"):
            StorageConfig(serving_root=root)
    else:
        assert StorageConfig(serving_root=root).serving_root == root


@pytest.mark.parametrize(
    ("webhook", "is_secret"),
    [("https://h/x", False), ("http://h", False), ("env:HOOK", True), (None, False)],
)
def test_an_address_is_a_secret_where_it_is_a_variable(
    webhook: str | None, is_secret: bool
) -> None:
    notify = NotifyConfig(webhook=webhook)
    assert notify.is_secret is is_secret
    # Only a platform that writes mail itself has addresses.
    assert notify.addresses == ()


@pytest.mark.parametrize(
    ("values", "own"),
    [
        ({"task": "mnist:b"}, "mnist-b"),
        ({"task": "digits", "name": "night"}, "night"),
        ({"task": "/home/me/mine.py"}, "mine"),
    ],
)
def test_runs_are_named_after_the_task_or_as_is_said(values: dict[str, Any], own: str) -> None:
    assert WorkConfig(**values).names.own == own
