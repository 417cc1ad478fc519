"""A run's own checkpoints, and inputs whose files are gone."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import artifact_places, compiler, container, targets
from pipelines.cloud import config as cloud_config
from trainer_modules.engine.errors import BadInputError

RUN = "11111111-2222-3333-4444-555555555555"
EXECUTION = "99999999-2222-3333-4444-555555555555"
# As Vertex AI, Kubeflow 2.14 and older Kubeflow name them.
PLACES = [
    (
        "gs://b/root/digits/123456/digits-20300101-abc/Trainer_-8123/model",
        "digits-20300101-abc",
        "Trainer",
    ),
    (
        f"minio://m/r/digits/{RUN}/Trainer/{EXECUTION}/model",
        RUN,
        "Trainer",
    ),
    (f"/minio/m/r/digits/{RUN}/model_check/model/", RUN, "model_check"),
]


@pytest.mark.parametrize(("uri", "run", "step"), PLACES)
def test_the_run_and_the_step_of_an_artifact(uri: str, run: str, step: str) -> None:
    assert artifact_places.of(uri) == artifact_places.Place(run=run, step=step)


def test_as_kubeflows_driver_has_named_them() -> None:
    recorded = Path(__file__).with_name("recorded") / "DataGate.json"
    given = json.loads(recorded.read_text())["executor_input"]
    places = {
        key: artifact_places.of(found["artifacts"][0]["uri"])
        for side in ("inputs", "outputs")
        for key, found in given[side]["artifacts"].items()
    }
    assert {place.run for place in places.values()} == {places["approval"].run}
    assert {place.step for place in places.values()} >= {"DataGate", "ExampleValidator"}
    assert len(places["approval"].run) == len(RUN)


def _given(spec: dict, uri: str) -> dict[str, Any]:
    """Returns what the platform hands to a compiled Trainer."""
    task = spec["root"]["dag"]["tasks"]["Trainer"]["inputs"]["parameters"]
    values = {key: found["runtimeValue"]["constant"] for key, found in task.items()}
    outputs = {"model": {"artifacts": [{"uri": uri}]}}
    return {"inputs": {"parameterValues": values}, "outputs": {"artifacts": outputs}}


def _compiled(**values: object) -> dict[str, Any]:
    base = {
        "task": "digits",
        "data": "/mnt/digits",
        "pipeline_root": "gs://bucket/root",
        "image": "image@sha256:0",
    }
    return compiler.compile_job(cloud_config.build({**base, **values})).job["pipelineSpec"]


@pytest.mark.usefixtures("tfx_ready")
def test_runs_that_overlap_keep_their_checkpoints_apart() -> None:
    spec = _compiled()
    own = []
    for run, execution in (("digits-1", "-1"), ("digits-1", "-2"), ("digits-2", "-3")):
        uri = f"gs://bucket/root/digits/123/{run}/Trainer_{execution}/model"
        found = artifact_places.with_own_checkpoints(_given(spec, uri))
        config = json.loads(found["inputs"]["parameterValues"]["custom_config"])
        own.append(config["checkpoints"])
    # The second is the first run's step, tried again.
    assert own[0] == own[1] == "gs://bucket/root/digits/checkpoints/digits-1"
    assert own[2] == "gs://bucket/root/digits/checkpoints/digits-2"


@pytest.mark.usefixtures("tfx_ready")
def test_so_do_their_custom_jobs() -> None:
    spec = _compiled(accelerator="nvidia-l4", project="p", region="r")
    given = _given(spec, "gs://bucket/root/digits/123/Digits-1/Trainer_-1/model")
    found = artifact_places.with_own_checkpoints(given)
    config = json.loads(found["inputs"]["parameterValues"]["custom_config"])
    job = config[artifact_places.JOB]
    folder = job["job_spec"]["base_output_directory"]["output_uri_prefix"]
    assert folder == "gs://bucket/root/digits/custom_jobs/Digits-1"
    assert job["labels"] == {"pipeline-run": "digits-1"}
    # What is compiled stays the same, or nothing would come from the cache.
    assert "Digits-1" not in given["inputs"]["parameterValues"]["custom_config"]


def _input(uri: Path | str, key: str = "examples", title: str = "tfx.Examples") -> dict[str, Any]:
    artifact = {"uri": str(uri), "type": {"schemaTitle": title}}
    return {"inputs": {"artifacts": {key: {"artifacts": [artifact]}}}}


def test_an_input_whose_files_are_gone(tmp_path: Path) -> None:
    there = tmp_path / "run-1" / "ImageExampleGen" / "examples"
    with pytest.raises(
        BadInputError, match=r"'examples' no longer exists.*ImageExampleGen.*--no-cache"
    ):
        artifact_places.check_inputs(_input(there))
    (there / "Split-train").mkdir(parents=True)
    artifact_places.check_inputs(_input(there))
    (there / "Split-train").rmdir()
    with pytest.raises(BadInputError, match=f"nothing in {there}"):
        artifact_places.check_inputs(_input(there))


def test_what_may_be_empty(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # Nothing was pushed; and ImageEvaluator says by itself that it has nothing to compare with.
    artifact_places.check_inputs(_input(tmp_path, "pushed_model", "tfx.PushedModel"))
    assert not caplog.messages
    artifact_places.check_inputs(_input(tmp_path / "gone", "baseline_model", "tfx.Model"))
    assert "the last blessed model no longer exists" in caplog.text


@pytest.mark.usefixtures("tfx_ready")
def test_a_container_says_so_before_its_step_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    given = _input(tmp_path / "run-1/Trainer/model", "model", "tfx.Model")
    given["outputs"] = {"artifacts": {}, "outputFile": str(tmp_path / "out.json")}
    argv = ["--executor_class_path", "no.Such", "--json_serialized_invocation_args"]
    assert container.main([*argv, json.dumps(given)]) == 2
    assert "The input 'model' no longer exists" in capsys.readouterr().err


def test_a_volume_of_root(tmp_path: Path) -> None:
    """As another user than the folder's; root may write anywhere, so it becomes somebody else."""
    if os.getuid() != 0:
        pytest.skip("only root can make a folder that is not its own")
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o755)
    # However deep pytest puts it (a worker's folder is one level more), others may pass through.
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(0o755)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(1000)
            os.setuid(1000)
            from pipelines.cloud import mounted_folders

            mounted_folders.check([str(volume / "serving/digits")])
        except BadInputError as error:
            wanted = [f"{volume} belongs to 0:0 with mode 755", "run as 1000:1000", "fsGroup: 1000"]
            code = 0 if all(one in str(error) for one in wanted) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not list(volume.iterdir())


@pytest.mark.parametrize("target", targets.MODULES)
@pytest.mark.usefixtures("tfx_ready")
def test_training_on_spot_machines_is_tried_again(target: str) -> None:
    place = {"target": target, "accelerator": "nvidia-l4", "tune": 2}
    if target == "kubeflow":
        place |= {"serving_root": "/mnt/serving", "pipeline_root": "minio://m/r"}
    else:
        place |= {"project": "p", "region": "r"}
    tasks = _compiled(**place, spot=True)["root"]["dag"]["tasks"]
    assert {name for name, task in tasks.items() if "retryPolicy" in task} == {"Trainer", "Tuner"}
    assert tasks["Trainer"]["retryPolicy"]["maxRetryCount"] == compiler.SPOT_RETRIES
    plain = _compiled(**place)["root"]["dag"]["tasks"]
    assert not [name for name, task in plain.items() if "retryPolicy" in task]
