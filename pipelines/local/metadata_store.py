"""Where lineage is kept: the connection to ML Metadata, and reading it without TFX.

TFX takes seconds to import; what only looks into earlier runs does without.
"""

import contextlib
import os
import sqlite3
import urllib.parse
from collections.abc import Iterator
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2

from trainer_modules.engine.errors import BadInputError


def connection(uri: str) -> Any:
    """Returns the connection config of a SQLite file or a `mysql://user:password@host:port/db`.

    Raises:
      BadInputError: If the URI names another kind of store, or the file is not an SQLite database.
    """
    if uri.startswith("mysql://"):
        parts = urllib.parse.urlsplit(uri)
        server = metadata_store_pb2.ConnectionConfig()
        server.mysql.host = parts.hostname or "localhost"
        server.mysql.port = parts.port or 3306
        server.mysql.database = parts.path.lstrip("/")
        server.mysql.user = urllib.parse.unquote(parts.username or "")
        server.mysql.password = urllib.parse.unquote(parts.password or "")
        return server
    path = uri.removeprefix("sqlite://")
    if "://" in path:
        raise BadInputError(
            f"--metadata must be a SQLite file or mysql://user:password@host:port/database. "
            f"Received: {uri}"
        )
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    if os.path.exists(path):
        try:
            with sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True) as db:
                db.execute("select count(*) from sqlite_master")
        except sqlite3.DatabaseError as error:
            raise BadInputError(
                f"{path} is not a readable SQLite database ({error}). Move it away to start a new "
                "lineage, or name another with --metadata."
            ) from error
    file = metadata_store_pb2.ConnectionConfig()
    file.sqlite.filename_uri = path
    file.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return file


@contextlib.contextmanager
def opened(uri: str) -> Iterator[Any]:
    """Yields the metadata store of earlier runs, only to be read.

    Raises:
      BadInputError: If there is none.
    """
    config = connection(uri)
    if config.HasField("sqlite"):
        path = config.sqlite.filename_uri
        if not os.path.exists(path):
            raise BadInputError(
                f"{path} does not exist: no run has noted a lineage there yet. Check --task, "
                "--name, --root and --metadata."
            )
        config.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    yield metadata_store.MetadataStore(config)
