"""Files as a SavedModel has them, for what only looks at names."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def model_files() -> Callable[..., Path]:
    def write(folder: Path, *, shards: int = 1) -> Path:
        (folder / "variables").mkdir(parents=True)
        (folder / "saved_model.pb").write_bytes(b"graph")
        (folder / "variables/variables.index").write_bytes(b"index")
        for i in range(shards):
            name = f"variables.data-{i:05}-of-{shards:05}"
            (folder / "variables" / name).write_bytes(b"values")
        return folder

    return write
