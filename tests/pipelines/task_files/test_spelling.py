"""What `--task` names, which files can be tasks, and whose runs a folder holds."""

from pathlib import Path

import pytest

from pipelines import run_kubeflow, tasks
from pipelines.cloud import config as cloud_config
from pipelines.config import RunConfig
from pipelines.task_files import spelling
from trainer_modules.engine.errors import BadInputError


@pytest.mark.parametrize(
    ("text", "module", "variant", "path"),
    [
        ("digits", "digits", "", None),
        ("mnist:b", "mnist", "b", None),
        ("mine.py", "mine", "", "/work/mine.py"),
        ("../tasks/mine.py:b", "mine", "b", "/tasks/mine.py"),
        ("/a:b/mine.py", "mine", "", "/a:b/mine.py"),
        ("/a:b/mine.py:small", "mine", "small", "/a:b/mine.py"),
        ("~/mine.py", "mine", "", "/home/me/mine.py"),
        ("tasks/mine", "mine", "", "/work/tasks/mine"),
    ],
)
def test_a_task_is_a_name_or_a_file(monkeypatch, text, module, variant, path) -> None:
    monkeypatch.setattr("os.getcwd", lambda: "/work")
    monkeypatch.setenv("HOME", "/home/me")
    expected = spelling.TaskReference(module, variant, Path(path) if path else None)
    assert spelling.parse(text) == expected


def test_runs_and_models_have_the_name_of_the_file(tmp_path) -> None:
    config = RunConfig(task=f"{tmp_path}/my_task.py:b", root="/r")
    assert config.folder == "/r/my_task-b" and config.serving_folder == "/r/serving/my_task-b"
    assert config.names.pipeline == "my-task-b"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("digits.py", "'digits' is the name of a task of this repository.*my_digits"),
        ("serving.py", "or of a folder beside the runs"),
        ("My Task.py", r"a-z and 0-9.*Received: 'My Task'; rename it, for example to my_task\.py"),
        ("2nd.py", r"must begin with a letter.*to nd\.py"),
        ("my-task.py", r"for example to my_task\.py"),
        ("mine.txt", r"path of a task file, which ends in \.py"),
        ("absent.py", "does not exist"),
        ("folder.py", "is a folder"),
    ],
)
def test_a_file_that_cannot_be_a_task_is_one_sentence(tmp_path, whole, name, said) -> None:
    path = tmp_path / name
    if name == "folder.py":
        path.mkdir()
    elif name != "absent.py":
        path.write_text(whole)
    with pytest.raises(BadInputError, match=said) as refused:
        tasks.load(str(path))
    assert str(path) in str(refused.value) and "\n" not in str(refused.value)


def test_a_mistyped_name_says_how_a_file_is_named() -> None:
    with pytest.raises(BadInputError, match=r"did you mean 'digits'.*ends in \.py"):
        tasks.load("digit")


def test_two_files_of_one_name_do_not_share_runs(task_file, whole, tmp_path) -> None:
    first, second = task_file(folder="a"), task_file(whole + "# other\n", folder="b")
    runs = tmp_path / "runs"
    runs.mkdir()
    spelling.claim(spelling.parse(str(first)), str(runs))
    spelling.claim(spelling.parse(f"{first}:b"), str(runs))
    with pytest.raises(BadInputError, match=r"a/mine\.py, another task file.*--name"):
        spelling.claim(spelling.parse(str(second)), str(runs))
    # The same file in another checkout, an edited one, and one that was moved go on.
    spelling.claim(spelling.parse(str(task_file(folder="c"))), str(runs))
    edited = task_file(whole.replace("epochs=3", "epochs=5"), folder="c")
    spelling.claim(spelling.parse(str(edited)), str(runs))
    edited.unlink()
    spelling.claim(spelling.parse(str(second)), str(runs))
    spelling.claim(spelling.parse("digits"), str(runs))


def test_a_job_without_a_schema_is_said_to_infer_it(task_file, capsys) -> None:
    path = task_file()
    made = {"task": str(path), "target": "vertex", "image": "registry/vision@sha256:0"}
    run_kubeflow._note(cloud_config.build(made))
    told = capsys.readouterr().err
    assert f"no schema at {path.with_suffix('.pbtxt')}: each run infers one" in told
    path.with_suffix(".pbtxt").touch()
    run_kubeflow._note(cloud_config.build(made))
    run_kubeflow._note(cloud_config.build({**made, "task": "digits"}))
    assert capsys.readouterr().err == ""
