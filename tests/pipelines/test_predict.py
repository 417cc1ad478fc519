"""Options of `predict.py` that contradict each other are refused before anything is loaded."""

from pathlib import Path

import pytest

from pipelines import predict


@pytest.mark.parametrize("option", [("--columns", "id,label"), ("--submission", "cassava")])
def test_json_lines_have_no_columns(
    option: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    output = tmp_path / "found.jsonl"
    given = ["--model", str(tmp_path), "--data", str(tmp_path), "--output", str(output)]
    assert predict.main([*given, *option]) == 2
    assert f"{option[0]}: --output must be a" in capsys.readouterr().err.replace("\n", " ")
    assert not output.exists()
