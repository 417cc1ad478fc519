"""What a platform is asked, and what a third one has to bring: its folder and one line."""

import functools
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import run_kubeflow
from pipelines.cloud import compiler, fields, schedules, targets
from pipelines.cloud import config as cloud_config
from pipelines.cloud.platform_config import CloudConfig

PLACE = ("--target", "third", "--data", "/mnt/digits", "--pipeline-root", "/mnt/root")
IMAGE = ("--image", "image@sha256:0")


@pytest.fixture
def third(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    monkeypatch.setitem(targets.MODULES, "third", "third_platform")
    yield
    sys.modules.pop("third_platform", None)


@pytest.mark.usefixtures("third", "tfx_ready")
def test_a_third_platform_is_a_folder_and_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("compile", *PLACE, *IMAGE, "--queue", "nightly")
    assert run_kubeflow.main([*command, "--priority", "3"]) == 0
    assert "compiled digits for third: digits-third.json" in capsys.readouterr().out
    job = json.loads(Path("digits-third.json").read_text())
    assert job["queue"] == {"name": "nightly", "priority": 3}
    assert {"Trainer", "ModelGate", "Pusher"} <= set(job["pipelineSpec"]["root"]["dag"]["tasks"])

    assert run_kubeflow.main([*command, "--accelerator", "nvidia-l4"]) == 2
    assert "queues do not offer it. It must be one of cpu." in capsys.readouterr().err
    assert run_kubeflow.main([*command, "--namespace", "team"]) == 2
    assert "--namespace belongs to the target kubeflow" in capsys.readouterr().err
    assert run_kubeflow.main(["submit", *PLACE, *IMAGE, "--queue", "q"]) == 2
    assert "third has no service" in capsys.readouterr().err


@pytest.mark.usefixtures("third")
def test_its_options_are_its_own(capsys: pytest.CaptureFixture) -> None:
    assert run_kubeflow.main(["compile", *PLACE]) == 2
    assert "Required for third but missing: --image, --queue" in capsys.readouterr().err
    assert run_kubeflow.main(["compile", "--queue", "q"]) == 2
    assert "--queue belongs to the target third, but the target is" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run_kubeflow.main(["submit", "--help"])
    assert "queue of the jobs (third only)" in " ".join(capsys.readouterr().out.split())


def test_without_its_line_there_is_no_such_target(capsys: pytest.CaptureFixture) -> None:
    assert run_kubeflow.main(["compile", *PLACE]) == 2
    assert "--target" in capsys.readouterr().err


EVERYTHING: dict[str, dict[str, Any]] = {
    "vertex": {
        "data": "gs://b/d",
        "pipeline_root": "gs://b/r",
        "project": "p",
        "region": "europe-west4",
        "endpoint": "http://127.0.0.1:9",
        "model_registry": "digits",
        "serving_endpoint": "live",
        "notify_email": ("a@b",),
    },
    "kubeflow": {
        "data": "/mnt/d",
        "pipeline_root": "gs://b/r",
        "serving_root": "/mnt/s",
        "host": "http://127.0.0.1:9",
        "volumes": ("claim=/mnt",),
        "secrets": ("s:k=V",),
        "project": "p",
        "beam_region": "europe-west4",
    },
}
FOR_ALL: dict[str, Any] = {
    "image": "image@sha256:0",
    "accelerator": "nvidia-l4",
    "tune": 2,
    "notify_webhook": "https://example.com/hook",
    # One component on Dataflow, the others where they are.
    "beam_on": ("StatisticsGen=dataflow",),
}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Collects class and name of every attribute that is read of a part of a configuration."""
    seen: set[tuple[str, str]] = set()
    for target in targets.every():
        for kind in _parts(target.configuration).values():
            original = kind.__getattribute__

            def noted(self: Any, name: str, original: Any = original) -> Any:
                caller = sys._getframe(1).f_code.co_name
                if caller not in ("__post_init__", "missing"):
                    seen.add((type(self).__name__, name))
                return original(self, name)

            monkeypatch.setattr(kind, "__getattribute__", noted, raising=False)
    return seen


def _parts(configuration: type[CloudConfig]) -> dict[str, type]:
    import dataclasses
    import typing

    hints = typing.get_type_hints(configuration)
    return {part.name: hints[part.name] for part in dataclasses.fields(configuration)}


@pytest.mark.usefixtures("tfx_ready")
@pytest.mark.parametrize("name", targets.MODULES)
def test_a_target_reads_every_field_that_it_has(name: str, reads: set[tuple[str, str]]) -> None:
    import dataclasses

    target = targets.find(name)
    config = cloud_config.build({"target": name, **EVERYTHING[name], **FOR_ALL})
    compiled = compiler.compile_job(config)
    service = target.connect(config)
    timing = schedules.timing("0 3 * * 1", "UTC", 1, None, None, rules=target.cron)
    service.run_request(compiled, {})
    service.schedule_request("weekly", compiled, {}, timing)
    # Only a client that is connected asks for the address.
    functools.partial(getattr, service, "_client" if name == "kubeflow" else "_jobs")()
    every = {
        (kind.__name__, field.name)
        for kind in _parts(target.configuration).values()
        for field in dataclasses.fields(kind)
    }
    assert every - reads == set()
    assert len(every) == len(fields.options(target.configuration))


@pytest.mark.parametrize("name", targets.MODULES)
def test_the_module_of_a_target_is_light(name: str) -> None:
    """Whoever asks for `--help` waits for no TensorFlow."""
    import subprocess

    program = (
        f"import importlib, sys; importlib.import_module({targets.MODULES[name]!r})\n"
        "heavy = {'tensorflow', 'tfx', 'kfp', 'google.cloud.aiplatform_v1'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(importlib.import_module("pipelines").__file__ or "").parents[1],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"
