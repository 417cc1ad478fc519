"""No two of task, variant and `--name` share a name or a place, on any platform."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from pipelines import names, tasks
from pipelines.cloud import config as cloud_config
from pipelines.cloud import options as cloud_options
from pipelines.config import RunConfig
from pipelines.local.options import from_args, local_parser
from pipelines.names import Names
from trainer_modules.engine.errors import BadInputError

SPELLINGS = [spelling for spelling, _ in tasks.descriptions()]
GIVEN = ("dishes", "my-dishes", "my_dishes", "a-b_c", "a_b-c", "mnist-c", "image_folder-2")
RUNS = [*((s, "") for s in SPELLINGS), *(("image_folder", name) for name in GIVEN)]

CLOUD = {"image": "i@sha256:0", "data": "gs://b/d"}
GOOGLE = {**CLOUD, "project": "p", "region": "r"}
TARGETS: dict[str, Callable[..., Any]] = {
    "local": lambda **run: RunConfig(root="/runs", **run),
    "vertex": lambda **run: cloud_config.build(
        {"pipeline_root": "gs://b/root", "model_registry": "m", **GOOGLE, **run}
    ),
    "vertex, models elsewhere": lambda **run: cloud_config.build(
        {"pipeline_root": "gs://b/root", "serving_root": "gs://b/models", **GOOGLE, **run}
    ),
    "kubeflow": lambda **run: cloud_config.build(
        {
            "target": "kubeflow",
            "pipeline_root": "minio://b/root",
            "serving_root": "/models",
            **CLOUD,
            **run,
        }
    ),
}


def _places(config: Any, target: str) -> dict[str, str]:
    """Everything by which a run can be told from others, as each platform is told it."""
    found = {
        "checkpoints folder": config.checkpoints_folder,
        "artifacts": config.artifacts_folder,
        "serving": config.serving_folder,
        "pipeline": config.names.pipeline if target != "local" else config.names.own,
        "experiment": config.names.experiment,
    }
    if target == "local":
        found["lineage"] = config.metadata_file
    if target == "vertex":
        from pipelines.cloud import accelerators
        from pipelines.cloud.vertex import deployment
        from pipelines.cloud.vertex import training as vertex_training
        from pipelines.cloud.vertex.config import VertexConfig

        assert isinstance(config, VertexConfig)
        machine = accelerators.VERTEX_AI.find("nvidia-t4")
        for work in ("training", "tuning"):
            (job,) = [
                value
                for value in vertex_training.custom_job(config, machine, work).values()
                if isinstance(value, dict)
            ]
            found[f"{work} job"] = job["display_name"]
            base = job["job_spec"]["base_output_directory"]["output_uri_prefix"]
            found.setdefault("checkpoints", base)
        found["served name"] = deployment.settings(config).task
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_no_two_runs_share_a_name_or_a_place(target: str) -> None:
    every = {
        (task, name): _places(TARGETS[target](task=task, name=name), target) for task, name in RUNS
    }
    for (one, places), (other, others) in itertools.combinations(every.items(), 2):
        for what in places:
            assert places[what] != others[what], f"{one} and {other} share the {what}"


@pytest.mark.parametrize("target", TARGETS)
def test_no_place_lies_in_anothers(target: str) -> None:
    folders = {
        (run, what): path.rstrip("/") + "/"
        for run in RUNS
        for what, path in _places(TARGETS[target](task=run[0], name=run[1]), target).items()
        if what in ("folder", "artifacts", "serving")
    }
    for (one, path), (other, outer) in itertools.permutations(folders.items(), 2):
        if one[0] != other[0]:
            assert not path.startswith(outer), f"{one} lies in {other}"


def test_pipelines_are_named_as_the_platforms_allow() -> None:
    import re

    for task, name in RUNS:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", Names(task, name).pipeline)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("serving", "a reserved folder"),
        ("data", "a reserved folder"),
        ("digits", "the name of a task"),
        ("mnist-b", "the name of a task"),
        ("mnist_b", "'mnist-b' is the name"),
        ("image-folder", "'image_folder' is the name"),
        ("Dishes", "for example 'dishes'"),
        ("my dishes", "for example 'my-dishes'"),
        ("a__b", "single '-' and '_'"),
        ("../up", "for example 'up'"),
        ("1", "must begin with a letter"),
        ("a" * 41, "1 to 40"),
        ("-x", "must begin with a letter"),
        ("gerichte-ä", "a-z"),
    ],
)
def test_what_is_no_name(name: str, says: str) -> None:
    for build in TARGETS.values():
        with pytest.raises(BadInputError, match=says):
            build(task="image_folder", name=name)


def test_both_command_lines_take_a_name(tmp_path: Any) -> None:
    argv = ["--task", "image_folder", "--name", "dishes"]
    local = from_args(local_parser().parse_args([*argv, "--root", str(tmp_path)]))
    assert local.folder == str(tmp_path / "dishes")
    assert local.serving_folder == str(tmp_path / "serving/dishes")
    where = ["--pipeline-root", "gs://b/r"]
    for command in (["compile"], ["submit"], ["schedule", "--cron", "0 3 * * 1"]):
        parsed = cloud_options.parser().parse_args([*command, *argv, *where])
        cloud = cloud_options.config_from(parsed)
        assert cloud.serving_folder == "gs://b/r/serving/dishes"
    file = tmp_path / "cloud.toml"
    file.write_text('name = "dishes"\n')
    assert cloud_config.build({}, str(file)).names == Names("digits", "dishes")


def test_a_schedules_name_is_no_models() -> None:
    for command in ("pause", "resume", "delete"):
        parsed = cloud_options.parser().parse_args([command, "digits", "--project", "p"])
        assert cloud_options.config_from(parsed).work.name == "" and parsed.schedule == "digits"


def test_tasks_have_no_name_of_the_house() -> None:
    own = [spelling.replace(":", "-") for spelling in SPELLINGS]
    assert names.SERVING not in own and names.DATA not in own
    assert sorted({*own, names.SERVING, names.DATA}) == sorted(names.reserved())
