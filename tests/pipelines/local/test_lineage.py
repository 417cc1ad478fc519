import pytest

from pipelines.local.runner import NodeFailedError
from trainer_modules.engine.errors import BadInputError, TrainingError


@pytest.fixture(scope="module")
def lineage(tfx_ready):
    from pipelines.local import lineage

    return lineage


def _failure(cause: Exception) -> NodeFailedError:
    failure = NodeFailedError("Transform", 1.0)
    failure.__cause__ = cause
    return failure


def test_bad_input_anywhere_in_the_chain_is_exit_2(lineage) -> None:
    outer = RuntimeError("beam says no [while running 'x']")
    outer.__cause__ = BadInputError("photo.jpg is empty [while running 'Check']")
    assert lineage.explain(_failure(outer)) == ("photo.jpg is empty", 2)


def test_other_failures_name_component_and_reason(lineage) -> None:
    text, code = lineage.explain(_failure(TrainingError("the loss is NaN in epoch 3")))
    assert (text, code) == ("Transform failed: the loss is NaN in epoch 3", 1)
    text, code = lineage.explain(_failure(OSError("disk full\n\nlong story")))
    assert (text, code) == ("Transform failed: OSError: disk full", 1)


def test_metadata_uris(lineage, tmp_path) -> None:
    mysql = lineage.connection("mysql://me:p%40ss@db:3307/lineage").mysql
    assert (mysql.host, mysql.port, mysql.user, mysql.password, mysql.database) == (
        "db",
        3307,
        "me",
        "p@ss",
        "lineage",
    )
    path = tmp_path / "new" / "m.sqlite"
    assert lineage.connection(str(path)).sqlite.filename_uri == str(path)
    with pytest.raises(BadInputError, match="postgres"):
        lineage.connection("postgres://db/x")
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database at all, but long enough to be read as one" * 10)
    with pytest.raises(BadInputError, match="SQLite"):
        lineage.connection(str(broken))
