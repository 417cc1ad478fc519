"""The versions of a served model, as Pusher, people and interrupted copies leave them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.saved_model import versions
from trainer_modules.engine.saved_model.versions import Version

ROOT = Path(__file__).parents[4]
Files = Callable[..., Path]


def test_the_newest_is_the_highest_number_and_not_the_last_name(
    tmp_path: Path, model_files: Files
) -> None:
    for name in ("9", "10", "1732190000"):
        model_files(tmp_path / name)
    found = list(versions.newest_first(str(tmp_path)))
    assert [version.number for version in found] == [1732190000, 10, 9]
    assert versions.newest(str(tmp_path)) == str(tmp_path / "1732190000")
    assert versions.newest(f"{tmp_path}/") == str(tmp_path / "1732190000")


@pytest.mark.parametrize("absent", ["nothing", "a-file"])
def test_where_nothing_was_pushed_there_is_none(tmp_path: Path, absent: str) -> None:
    (tmp_path / "a-file").write_text("")
    assert versions.newest(str(tmp_path / absent)) is None
    assert versions.newest(str(tmp_path)) is None


def test_what_tensorflow_wrote_is_complete(tmp_path: Path) -> None:
    import tensorflow as tf

    # No variable at all is the case in which there could be no file for them.
    tf.saved_model.save(tf.Module(), str(tmp_path / "3"))
    assert versions.missing_file(str(tmp_path / "3")) == ""
    assert versions.newest(str(tmp_path)) == str(tmp_path / "3")


@pytest.mark.parametrize(
    "absent",
    [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00003",
        "variables/variables.data-00002-of-00003",
    ],
)
def test_a_half_written_version_is_passed_over(
    tmp_path: Path, model_files: Files, absent: str
) -> None:
    model_files(tmp_path / "1")
    (model_files(tmp_path / "2", shards=3) / absent).unlink()
    newer, older = versions.newest_first(str(tmp_path))
    assert newer == Version(number=2, folder=str(tmp_path / "2"), missing=absent)
    assert not older.missing
    assert versions.newest(str(tmp_path)) == str(tmp_path / "1")
    assert list(versions.complete(str(tmp_path))) == [older]


def test_only_the_graph_has_been_copied_yet(tmp_path: Path, model_files: Files) -> None:
    shutil.rmtree(model_files(tmp_path / "2") / "variables")
    (found,) = versions.newest_first(str(tmp_path))
    assert found.missing == "variables/variables.index"
    (tmp_path / "2/variables").mkdir()
    (tmp_path / "2/variables/variables.index").touch()
    (found,) = versions.newest_first(str(tmp_path))
    assert found.missing == "variables/variables.data-00000-of-00001"


def test_leading_zeros_do_not_change_the_number_nor_the_name(
    tmp_path: Path, model_files: Files
) -> None:
    model_files(tmp_path / "11")
    model_files(tmp_path / "000012")
    assert versions.newest(str(tmp_path)) == str(tmp_path / "000012")
    model_files(tmp_path / "12")
    found = [version.folder for version in versions.newest_first(str(tmp_path))]
    assert found == [str(tmp_path / "12"), str(tmp_path / "11")]


def test_a_file_named_12_does_not_hide_the_folder_0012(tmp_path: Path, model_files: Files) -> None:
    model_files(tmp_path / "0012")
    (tmp_path / "12").write_text("")
    assert versions.newest(str(tmp_path)) == str(tmp_path / "0012")


@pytest.mark.parametrize(
    "name", ["99.tmp", ".99", "-99", "+99", "9_9", " 99", "v99", "²", "٩٩", "latest", "1e9"]
)
def test_what_is_no_whole_number_is_no_version(
    tmp_path: Path, model_files: Files, name: str
) -> None:
    model_files(tmp_path / "1")
    model_files(tmp_path / name)
    assert [version.number for version in versions.newest_first(str(tmp_path))] == [1]


def test_files_beside_the_versions_are_none(tmp_path: Path, model_files: Files) -> None:
    model_files(tmp_path / "1")
    (tmp_path / "2").write_text("not a folder")
    (tmp_path / "README.md").write_text("")
    assert [version.number for version in versions.newest_first(str(tmp_path))] == [1]


def test_links_are_what_they_lead_to(tmp_path: Path, model_files: Files) -> None:
    stored = model_files(tmp_path / "store/digits")
    serving = tmp_path / "serving"
    serving.mkdir()
    (serving / "3").symlink_to(stored, target_is_directory=True)
    (serving / "4").symlink_to(tmp_path / "deleted", target_is_directory=True)
    (serving / "latest").symlink_to(stored, target_is_directory=True)
    (serving / "5").symlink_to(serving / "5")  # to itself
    assert [version.folder for version in versions.newest_first(str(serving))] == [
        str(serving / "3")
    ]
    (tmp_path / "link").symlink_to(serving, target_is_directory=True)
    assert versions.newest(str(tmp_path / "link")) == str(tmp_path / "link/3")


@pytest.mark.parametrize(("name", "number"), [("digits", 1), ("7", 7), ("0042", 42)])
def test_a_model_by_itself_is_its_only_version(
    tmp_path: Path, model_files: Files, name: str, number: int
) -> None:
    alone = model_files(tmp_path / name)
    model_files(alone / "99")
    assert list(versions.newest_first(f"{alone}/")) == [Version(number=number, folder=str(alone))]


def test_a_version_deleted_while_it_is_read_is_not_there(
    tmp_path: Path, model_files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1", "2", "3"):
        model_files(tmp_path / name)
    listdir = os.listdir

    def listed_then_deleted(folder: str) -> list[str]:
        names = listdir(folder)
        # 3 after it was listed, and 2 after somebody looked at its variables' names.
        if Path(folder) == tmp_path:
            shutil.rmtree(tmp_path / "3")
        if Path(folder) == tmp_path / "2":
            shutil.rmtree(tmp_path / "2")
        return names

    monkeypatch.setattr(os, "listdir", listed_then_deleted)
    assert versions.newest(str(tmp_path)) == str(tmp_path / "1")


def test_a_folder_that_cannot_be_listed_is_not_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be listed: File name too long"):
        versions.newest(str(tmp_path / ("n" * 300)))


def test_a_remote_folder_has_the_same_rules(model_files: Files) -> None:
    import tensorflow as tf

    root = "ram://served/digits"
    for path in ("1", "000012", "13", "notes"):
        tf.io.gfile.makedirs(f"{root}/{path}/variables")
        for name in ("saved_model.pb", "variables/variables.index"):
            with tf.io.gfile.GFile(f"{root}/{path}/{name}", "wb") as file:
                file.write(b"content")
        if path != "13":
            with tf.io.gfile.GFile(
                f"{root}/{path}/variables/variables.data-00000-of-00001", "wb"
            ) as file:
                file.write(b"values")
    with tf.io.gfile.GFile(f"{root}/14", "wb") as file:
        file.write(b"a file")
    found = list(versions.newest_first(root))
    assert [(version.number, bool(version.missing)) for version in found] == [
        (13, True),
        (12, False),
        (1, False),
    ]
    assert versions.newest(root) == f"{root}/000012"
    assert versions.newest("ram://served/nothing") is None


def test_looking_into_a_local_folder_does_not_import_tensorflow(
    tmp_path: Path, model_files: Files
) -> None:
    model_files(tmp_path / "1")
    program = (
        "import sys; from trainer_modules.engine.saved_model import assets, versions; "
        "print(assets.classes(versions.newest(sys.argv[1])), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["()", "False"]
