"""When a schedule runs, and what is no schedule."""

import pytest

from pipelines import schedules
from trainer_modules.engine.errors import BadInputError


@pytest.mark.parametrize("cron", ["0 3 * * 1", "*/15 0-6 1,15 * MON-FRI", "5 4 * JAN *"])
def test_accepted(cron: str) -> None:
    assert schedules.timing(cron, "UTC", 1, None, None).cron == cron


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("0 3 * *", "five fields"),
        ("0 24 * * *", r"the hour must be within 0\.\.23"),
        ("x 3 * * *", "the minute must be"),
        ("0 0 3 * * 1", "Received 6"),
    ],
)
def test_refused(cron: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        schedules.timing(cron, "UTC", 1, None, None)


def test_moments_are_in_the_time_zone() -> None:
    timing = schedules.timing("0 3 * * 1", "Europe/Berlin", 1, "2030-07-01T03:00:00", None)
    assert timing.start is not None
    assert timing.start.isoformat() == "2030-07-01T03:00:00+02:00"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (("UTC", 1, "2030-01-02", "2030-01-01"), "--end must be later"),
        (("Mars/Olympus", 1, None, None), "IANA name"),
        (("UTC", 0, None, None), "at least 1"),
        (("UTC", 1, "soon", None), "--start must look like"),
    ],
)
def test_wrong_moments(values: tuple, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        schedules.timing("0 3 * * 1", *values)
