"""When a schedule runs, and what is no schedule."""

import datetime
import json

import pytest

from pipelines.cloud import commands as cloud_commands
from pipelines.cloud import options as cloud_options
from pipelines.cloud import schedules, targets
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.schedules import Scheduled
from trainer_modules.engine.errors import BadInputError

BOTH = ("vertex", "kubeflow")
FRIDAY = datetime.datetime(2030, 3, 29, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize("target", BOTH)
@pytest.mark.parametrize(
    "cron", ["0 3 * * 1", "*/15 0-6 1,15 * MON-FRI", "5 4 * JAN *", "5/20 * * * sun"]
)
def test_accepted(cron: str, target: str) -> None:
    assert (
        schedules.timing(cron, "UTC", 1, None, None, rules=targets.find(target).cron).cron == cron
    )


@pytest.mark.parametrize(
    ("cron", "message", "refusing"),
    [
        ("0 3 * *", "five fields", BOTH),
        ("0 24 * * *", r"the hour must be within 0\.\.23", BOTH),
        ("x 3 * * *", "the minute must be", BOTH),
        ("*, 3 * * *", "the minute must be", BOTH),
        ("*5 3 * * *", "the minute must be", BOTH),
        ("10-5 * * * *", r"the minute must have ascending ranges \(5 comes before 10\)", BOTH),
        ("0 3 * * fri-sun", r"the day of week must have ascending ranges \(sun comes", BOTH),
        ("*/0 * * * *", "the minute must have a step of at least 1", BOTH),
        # What other crons read, and neither platform.
        ("@daily", "five fields", BOTH),
        ("H 3 * * *", "the minute must be", BOTH),
        ("0 R * * *", "the hour must be", BOTH),
        ("0 3 L * *", "the day of month must be", BOTH),
        ("0 3 LW * *", "the day of month must be", BOTH),
        ("0 3 * * 1#2", "the day of week must be", BOTH),
        ("0 3 * * 5L", "the day of week must be", BOTH),
        ("0 3 31 2 *", "a day that does not exist in any month", BOTH),
        ("0 0 3 * * 1", "Received 6", ("vertex",)),
        ("0 3 ? * 1", "the day of month must be", ("vertex",)),
        ("0 3 * * 7", r"0\.\.6 on Kubeflow, where Sunday is 0 or SUN", ("kubeflow",)),
        ("0 3 * * 8", r"within 0\.\.7", ("vertex",)),
        ("60 0 3 * * 1", "the second must be", ("kubeflow",)),
    ],
)
def test_refused(cron: str, message: str, refusing: tuple[str, ...]) -> None:
    for target in refusing:
        with pytest.raises(BadInputError, match=message):
            schedules.timing(cron, "UTC", 1, None, None, rules=targets.find(target).cron)


@pytest.mark.parametrize(
    ("cron", "target", "sent"),
    [("0 3 ? * 1", "kubeflow", "0 0 3 ? * 1"), ("30 0 3 * * 0", "kubeflow", "30 0 3 * * 0")],
)
def test_what_only_kubeflow_reads(cron: str, target: str, sent: str) -> None:
    timing = schedules.timing(cron, "UTC", 1, None, None, rules=targets.find(target).cron)
    assert schedules.with_seconds(timing.cron) == sent


@pytest.mark.parametrize(
    ("cron", "zone", "moments"),
    [
        # Summer time begins on that Sunday.
        (
            "0 3 * * 6,7",
            "Europe/Berlin",
            ["2030-03-30T03:00:00+01:00", "2030-03-31T03:00:00+02:00"],
        ),
        ("0 12 * * *", "UTC", ["2030-03-29T12:00:00+00:00", "2030-03-30T12:00:00+00:00"]),
        # From Monday on every second day, and no Sunday after Saturday.
        ("0 3 * * 1/2", "UTC", ["2030-04-01T03:00:00+00:00", "2030-04-03T03:00:00+00:00"]),
        ("0 3 29 * MON", "UTC", ["2030-04-01T03:00:00+00:00", "2030-04-08T03:00:00+00:00"]),
    ],
)
def test_the_next_runs(cron: str, zone: str, moments: list[str]) -> None:
    timing = schedules.timing(cron, zone, 1, None, None)
    assert [moment.isoformat() for moment in timing.upcoming(2, FRIDAY)] == moments


def test_the_next_runs_are_between_start_and_end() -> None:
    timing = schedules.timing("0 3 * * *", "UTC", 1, "2030-04-02", "2030-04-03T12:00:00")
    found = [moment.isoformat() for moment in timing.upcoming(3, FRIDAY)]
    assert found == ["2030-04-02T03:00:00+00:00", "2030-04-03T03:00:00+00:00"]
    with pytest.raises(BadInputError, match="no time before --end"):
        schedules.timing("0 3 * * *", "UTC", 1, "2030-04-02T04:00:00", "2030-04-02T05:00:00")


@pytest.mark.parametrize(
    ("cron", "moment"),
    [
        ("0 0 3 * * 1", "2030-04-01 03:00:00"),
        # Kubeflow takes five fields for second to month.
        ("0 30 3 1 *", "2030-04-01 03:30:00"),
        ("@daily", ""),
    ],
)
def test_the_next_run_of_what_kubeflow_keeps(cron: str, moment: str) -> None:
    shown = f"{moment} (the controller's time zone)" if moment else ""
    assert schedules.next_on_kubeflow(cron, FRIDAY, None) == shown


class _Platform:
    """A platform that only schedules."""

    def __init__(self, scheduled: Scheduled) -> None:
        self._scheduled = scheduled

    def schedule(self, *args: object) -> Scheduled:
        del args
        return self._scheduled


@pytest.mark.parametrize(
    ("scheduled", "lines"),
    [
        (
            Scheduled("created", "LINK"),
            [
                "created the schedule weekly: 0 3 * * 1 (Europe/Berlin)",
                "next runs: Mon 2030-07-01 03:00 CEST (01:00 UTC), Mon 2030-07-08 03:00 CEST "
                "(01:00 UTC), Mon 2030-07-15 03:00 CEST (01:00 UTC)",
                "LINK",
            ],
        ),
        (
            Scheduled("updated", "LINK", True, "unless so"),
            [
                "updated the schedule weekly: 0 3 * * 1 (Europe/Berlin, unless so)",
                "it was paused and remains paused; to continue it: resume weekly",
                "LINK",
            ],
        ),
    ],
)
def test_what_is_printed(
    scheduled: Scheduled, lines: list[str], capsys: pytest.CaptureFixture
) -> None:
    args = cloud_options.parser().parse_args(["schedule", "--cron", "0 3 * * 1"])
    timing = schedules.timing("0 3 * * 1", "Europe/Berlin", 1, "2030-07-01T03:00:00", None)
    platform = _Platform(scheduled)
    job = Compiled(json.loads('{"pipelineSpec": {"pipelineInfo": {"name": "digits"}}}'))
    assert cloud_commands._schedule(platform, "weekly", job, {}, timing, args) == 0
    assert capsys.readouterr().out.splitlines() == lines


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
