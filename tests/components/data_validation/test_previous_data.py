from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("now", "expected"),
    [(9, [7]), (7, [5]), (5, []), (3, [])],
    ids=["the one before", "from the cache", "the one before has vanished", "the first"],
)
def test_the_youngest_that_is_older_and_still_there(
    tmp_path: Path, tfx_ready: None, now: int, expected: list[int]
) -> None:
    from tfx.types import standard_artifacts

    from components.data_validation.previous_data import PreviousStatistics

    def artifact(number: int) -> Any:
        made = standard_artifacts.ExampleStatistics()
        made.id, made.uri = number, str(tmp_path / str(number))
        if number != 3:
            Path(made.uri).mkdir(exist_ok=True)
        return made

    everything = [artifact(number) for number in (5, 9, 3, 7)]
    found = PreviousStatistics().resolve_artifacts(
        None, {"statistics": everything, "now": [artifact(now)]}
    )
    assert [one.id for one in found["statistics"]] == expected
