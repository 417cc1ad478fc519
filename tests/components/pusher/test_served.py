"""Who may take the place of a served model, told before anything expensive begins."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.pusher import served
from trainer_modules.engine.errors import BadInputError

ROOT = Path(__file__).parents[3]


def push(serving: Path, version: int, classes: tuple[str, ...], task: str = "image_folder") -> Path:
    folder = serving / str(version)
    (folder / "assets").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables").mkdir()
    for name in ("variables.index", "variables.data-00000-of-00001"):
        (folder / "variables" / name).write_bytes(b"values")
    (folder / "assets/classes.txt").write_text("".join(f"{c}\n" for c in classes), encoding="utf-8")
    (folder / "assets/task.json").write_text(json.dumps({"name": task}))
    return folder


def test_nothing_served_has_room(tmp_path: Path) -> None:
    served.check_room(str(tmp_path / "absent"), task="image_folder", classes=("a", "b"))
    (tmp_path / "7").mkdir()
    served.check_room(str(tmp_path), task="image_folder", classes=("a", "b"))


def test_one_shared_class_is_enough(tmp_path: Path) -> None:
    push(tmp_path, 1, ("x", "y"))
    push(tmp_path, 2, ("b", "line\u2028separated"))
    served.check_room(str(tmp_path), task="image_folder", classes=("a", "b"))
    served.check_room(str(tmp_path), task="image_folder", classes=("line\u2028separated",))
    # Rows of numbers have no classes.
    served.check_room(str(tmp_path), task="image_folder", classes=())


def test_other_things_are_refused_with_the_way_out(tmp_path: Path) -> None:
    newest = push(tmp_path / "image_folder", 12, ("daisy", "rose"))
    with pytest.raises(BadInputError) as refused:
        served.check_room(
            str(tmp_path / "image_folder"), task="image_folder", classes=("Soup", "pizza", "rice")
        )
    text = str(refused.value)
    for part in ("Soup, pizza, rice", "'image_folder'", "daisy, rose", str(newest)):
        assert part in text
    assert "--name soup-and-more" in text


def test_the_name_that_is_suggested_is_one(tmp_path: Path) -> None:
    from pipelines.names import Names

    push(tmp_path / "n", 1, ("x", "y"))
    for first in ("Soup", "007", "鳥", "a b-c_d" * 9, ""):
        with pytest.raises(BadInputError) as refused:
            served.check_room(str(tmp_path / "n"), task="image_folder", classes=(first, "q"))
        name = str(refused.value).partition("--name ")[2].partition(". ")[0]
        assert Names("image_folder", name).own == name


def test_another_tasks_model_keeps_its_name(tmp_path: Path) -> None:
    push(tmp_path / "dishes", 1, ("a", "b"), task="flowers")
    with pytest.raises(
        BadInputError, match="'dishes' is already the name of a model of task 'flowers'"
    ):
        served.check_room(str(tmp_path / "dishes"), task="image_folder", classes=("a", "b"))


def test_a_model_of_another_number_is_not_replaced(tmp_path: Path) -> None:
    newest = push(tmp_path / "image_number", 3, (), task="image_number")
    (newest / "assets/classes.txt").unlink()
    number = {"name": "image_number", "problem": {"type": "Regression", "target": "age"}}
    (newest / "assets/task.json").write_text(json.dumps(number))

    def check(target: str) -> None:
        served.check_room(
            str(tmp_path / "image_number"), task="image_number", classes=(), target=target
        )

    check("age")
    with pytest.raises(BadInputError) as refused:
        check("price")
    text = str(refused.value)
    assert "predicts 'price'" in text and "predicts 'age'" in text and str(newest) in text
    assert "--name" in text


def test_the_best_match() -> None:
    assert served.best_match([], ("a",)) is None


def test_looking_is_cheap() -> None:
    program = (
        "import sys; from components.pusher import served; served.check_room('/nowhere', task='t', "
        "classes=('a',)); print([m for m in ('tensorflow', 'tfx', 'apache_beam') if m in "
        "sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
