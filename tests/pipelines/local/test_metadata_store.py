"""The connection to ML Metadata, and reading it without TFX."""

import subprocess
import sys

import pytest

from pipelines.local import metadata_store
from trainer_modules.engine.errors import BadInputError


def test_metadata_uris(tmp_path) -> None:
    mysql = metadata_store.connection("mysql://me:p%40ss@db:3307/lineage").mysql
    assert (mysql.host, mysql.port, mysql.user, mysql.password, mysql.database) == (
        "db",
        3307,
        "me",
        "p@ss",
        "lineage",
    )
    path = tmp_path / "new" / "m.sqlite"
    assert metadata_store.connection(str(path)).sqlite.filename_uri == str(path)
    with pytest.raises(BadInputError, match="postgres"):
        metadata_store.connection("postgres://db/x")
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database at all, but long enough to be read as one" * 10)
    with pytest.raises(BadInputError, match="SQLite"):
        metadata_store.connection(str(broken))


def test_looking_creates_nothing(tmp_path) -> None:
    with (
        pytest.raises(BadInputError, match="no run has noted a lineage"),
        metadata_store.opened(str(tmp_path / "none.sqlite")),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_looking_needs_no_tfx() -> None:
    code = (
        "import sys; from pipelines.local.commands import lineage, rebuild, trained_on; "
        "from pipelines.local.ancestry import family, version; "
        "print([m for m in ('tfx', 'tensorflow') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]", told.stderr
