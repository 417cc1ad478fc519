"""Small files of a run, here and behind a URI."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from components.report import storage


@pytest.fixture(params=["path", "uri"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same folder as a path and as a URI, which goes through TFX's file systems."""
    if request.param == "path":
        return str(tmp_path)
    request.getfixturevalue("tfx_ready")
    return f"file://{tmp_path}"


def test_what_is_written_can_be_read_by_anybody(place: str, tmp_path: Path) -> None:
    content = {"name": "ورد 🌷", "parts": [1, 2.5, None]}
    path = f"{place}/new/folder/a.json"
    assert not storage.exists(path)
    storage.write_bytes(path, storage.to_json(content))
    assert storage.exists(path) and storage.exists(f"{place}/new")
    written = (tmp_path / "new/folder/a.json").read_text(encoding="utf-8")
    assert json.loads(written) == content and "ورد 🌷" in written, "a person can read it"
    assert storage.read_json(path) == content
    assert storage.read_text(path) == written


def test_a_file_is_replaced(place: str, tmp_path: Path) -> None:
    for content in (b"a longer text", b"short"):
        storage.write_bytes(f"{place}/a.txt", content)
    assert (tmp_path / "a.txt").read_bytes() == b"short"


def test_only_the_first_lines_are_read(place: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"id": "ä"}\n\n{"id": "b"}\nnot JSON\n', encoding="utf-8")
    assert storage.read_json_lines(f"{place}/a.jsonl", 3) == [{"id": "ä"}, {"id": "b"}]


def test_a_local_file_needs_no_tensorflow(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from components.report import storage\n"
        f"storage.write_bytes({str(tmp_path / 'a')!r}, b'1')\n"
        f"assert storage.read_json({str(tmp_path / 'a')!r}) == 1\n"
        "print([name for name in sys.modules if name in ('tensorflow', 'tfx')])\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
