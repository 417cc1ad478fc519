"""What of a task file travels with a job: nothing, or as text what its own functions need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import tasks
from pipelines.task_files import packing
from trainer_modules.engine import fingerprint, import_closure
from trainer_modules.engine.custom_config import FILES_KEY
from trainer_modules.engine.errors import BadInputError

OWN = """
import json
from trainer_modules.api import entry_points
from notes.kept import OPENING

preprocessing_fn, _train = entry_points(TASK)


def run_fn(fn_args):
    from later import ending
    print(json.dumps([OPENING, ending(), __name__]))
"""
BESIDE = {"notes__kept": "from .deeper import OPENING", "notes__deeper": "OPENING = 'once'"}


@pytest.fixture
def own(task_file, whole):
    """Returns a function that writes a file with a `run_fn` of its own and neighbours."""

    def write(text: str = whole + OWN, **beside: str) -> Path:
        later = "def ending():\n    '''Why.'''\n    return 'end'  # comment"
        return task_file(text, **{**BESIDE, "later": later, **beside})

    return write


def _found(path: Path, function: str = "run_fn") -> packing.TaskCode:
    return packing.find(tasks.load(str(path)), str(path), function)


def test_a_task_of_data_alone_carries_nothing(task_file) -> None:
    code = _found(task_file())
    assert code == packing.TaskCode("trainer_modules.engine.carried.run_fn", {})
    assert packing.find(tasks.load("mnist:b"), "mnist:b", "run_fn").function == (
        "trainer_modules.mnist.run_fn"
    )


def test_a_step_of_a_task_file_reaches_what_it_would_reach_in_the_repository() -> None:
    """Transform must not run again for an edit of the training's code, wherever the task lies."""
    for function in packing.FUNCTIONS:
        here = set(import_closure.reached([f"trainer_modules.digits:{function}"]))
        there = set(import_closure.reached([f"trainer_modules.engine.carried:{function}"]))
        assert here - there <= {"trainer_modules/engine/entry.py"}
        assert there - here <= {
            f"trainer_modules/engine/{name}.py" for name in ("carried", "local_module")
        }


def test_what_is_imported_from_beside_it_travels_with_a_function(own) -> None:
    code = _found(own(unused="X = 1"))
    carried = code.config[FILES_KEY]
    assert carried["file"] == "mine.py"
    assert sorted(carried["texts"]) == ["later.py", "mine.py", "notes/deeper.py", "notes/kept.py"]
    assert "trainer_modules.engine.entry" in code.uses
    assert "trainer_modules.api" not in code.uses
    # The other step has the usual function, and needs no file.
    assert _found(own(), "preprocessing_fn").config == {}


def test_a_file_in_another_encoding_travels_as_its_text(own, whole) -> None:
    path = own()
    text = "# -*- coding: latin-1 -*-\n" + whole.replace('"two"', '"zwö"') + OWN
    path.write_bytes(text.encode("latin-1"))
    assert "zwö" in _found(path).config[FILES_KEY]["texts"]["mine.py"]


def test_an_edit_of_any_of_it_is_a_change_and_a_comment_is_none(own, whole) -> None:
    first = _found(own())
    assert _found(own(whole + OWN + "# why\n")) == first
    assert _found(own(later="def ending():\n    return 'end'")) == first
    assert _found(own(later="def ending():\n    return 'stop'")) != first
    assert _found(own(notes__deeper="OPENING = 'twice'")) != first
    assert fingerprint.of_code(*first.starts) == fingerprint.of_code(*_found(own()).starts)


def test_what_holds_a_docstring_alone_is_still_code(own) -> None:
    later = 'class Stop(Exception):\n    """Why."""\n\ndef ending():\n    """Nothing."""\n'
    texts = _found(own(later=later)).config[FILES_KEY]["texts"]
    compile(texts["later.py"], "later.py", "exec")
    assert "Why" not in texts["later.py"]


def test_a_package_beside_it_may_import_its_neighbours(own, monkeypatch) -> None:
    """Also where the file's folder is on Python's path."""
    path = own(notes__kept="from later import ending\nOPENING = ending()")
    monkeypatch.syspath_prepend(str(path.parent))
    assert "later.py" in _found(path).config[FILES_KEY]["texts"]


def test_it_runs_where_the_file_is_not(own, tmp_path) -> None:
    """In another process, in another folder, from the JSON that the job carries."""
    path = own()
    config = json.dumps(_found(path).config, sort_keys=True)
    for file in path.parent.rglob("*.py"):
        file.unlink()
    program = (
        "import sys, json, types\n"
        # Modules exist that answer anything for any attribute.
        "odd = types.ModuleType('odd'); odd.__path__ = odd.__file__ = 3; sys.modules['odd'] = odd\n"
        "from trainer_modules.engine import carried\n"
        "carried.run_fn(types.SimpleNamespace(custom_config=json.loads(sys.argv[1])))\n"
        "assert not [m for m in sys.modules if m in ('later', 'notes', 'notes.kept')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, config],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    opening, ending, name = json.loads(done.stdout)
    assert (opening, ending) == ("once", "end") and name.startswith("_task_file_mine_")
    assert not list(tmp_path.glob("task-file-*"))


@pytest.mark.parametrize(
    ("neighbour", "where"), [("statistics", "Python's own library"), ("yaml", "site-packages")]
)
def test_a_neighbour_with_the_name_of_a_library_is_refused(
    task_file, whole, neighbour, where
) -> None:
    path = task_file(f"{whole}\nimport {neighbour}\ndef run_fn(a): pass", **{neighbour: "X = 1"})
    with pytest.raises(BadInputError, match=f"imports '{neighbour}'.*{where}.*Rename"):
        _found(path)


def test_too_much_code_for_a_job_is_refused(own) -> None:
    with pytest.raises(BadInputError, match="at most 200 kB .*Received: 3"):
        _found(own(later="def ending(): pass\n" + "X = 'abcdefgh'\n" * 20_000))
