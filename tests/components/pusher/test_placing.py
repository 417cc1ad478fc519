"""Moving versions: at once on this machine, in a safe order elsewhere."""

from pathlib import Path

import pytest

from components.pusher import placing
from tests.components.pusher.exports import export


def test_the_digest_is_of_what_was_judged(tmp_path: Path) -> None:
    model = export(tmp_path / "a", "one")
    before = placing.digest(str(model))
    (model / "MODEL_CARD.md").write_text("# card")
    (model / "assets/task.json").write_text("{}")
    assert placing.digest(str(model)) == before
    assert placing.digest(str(export(tmp_path / "b", "two"))) != before
    (model / "assets/classes.txt").rename(model / "assets/other.txt")
    assert placing.digest(str(model)) != before


def test_a_version_moves_as_a_whole(tmp_path: Path) -> None:
    folder = str(tmp_path)
    export(tmp_path / "7", "one")
    placing.move(placing.served(folder, "7"), placing.withdrawn(folder, "7"))
    assert not (tmp_path / "7").exists() and (tmp_path / "withdrawn/7/saved_model.pb").exists()
    rest = placing.take_away(folder, placing.withdrawn(folder, "7"))
    assert placing.taken_away(folder) == ["7"] and not (tmp_path / "withdrawn/7").exists()
    placing.delete(rest)
    placing.delete(rest)
    assert placing.taken_away(folder) == []


def test_elsewhere_the_graph_comes_last_and_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    steps: list[str] = []
    for name in ("assets/task.json", "saved_model.pb", "variables/variables.index"):
        tf.io.gfile.makedirs(f"ram://placing/7/{name}".rpartition("/")[0])
        with tf.io.gfile.GFile(f"ram://placing/7/{name}", "w") as file:
            file.write(name)
    digest = placing.digest("ram://placing/7")
    copy, remove, rmtree = tf.io.gfile.copy, tf.io.gfile.remove, tf.io.gfile.rmtree
    monkeypatch.setattr(tf.io.gfile, "copy", lambda a, b, **k: steps.append(b) or copy(a, b, **k))
    monkeypatch.setattr(tf.io.gfile, "remove", lambda p: steps.append(f"-{p}") or remove(p))
    monkeypatch.setattr(tf.io.gfile, "rmtree", lambda p: steps.append(f"-{p}") or rmtree(p))
    placing.move("ram://placing/7", "ram://placing/withdrawn/7")
    assert steps[2:] == [
        "ram://placing/withdrawn/7/saved_model.pb",
        "-ram://placing/7/saved_model.pb",
        "-ram://placing/7",
    ]
    assert placing.digest("ram://placing/withdrawn/7") == digest
    assert not placing.exists("ram://placing/7")
