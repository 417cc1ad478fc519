"""The times of a scheduled pipeline, parsed as the target parses them, before submission.

Vertex AI takes the five fields of unix-cron and Sunday as 0 or 7
(https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules). Kubeflow uses
github.com/robfig/cron: seconds may come first, Sunday is only 0, `?` is `*`.
"""

import datetime
import itertools
import re
import zoneinfo
from dataclasses import dataclass
from typing import NamedTuple

import cronsim

from trainer_modules.engine.errors import BadInputError

_SECOND = ("second", 0, 59)
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12))
_NAMES = {
    "month": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    "day of week": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
_PART = re.compile(r"^(?P<all>[*?])?((?P<first>\w+)(-(?P<last>\w+))?)?(/(?P<step>\d+))?$")


@dataclass(frozen=True, kw_only=True)
class CronRules:
    """How a platform reads the times of a schedule.

    Attributes:
      reader: Who reads them, for messages.
      last_day: The largest day of the week: 7 where that is Sunday, like 0.
      has_seconds: Whether a field of seconds may come first.
      has_question_mark: Whether `?` may stand for `*`.
    """

    reader: str = "unix-cron"
    last_day: int = 7
    has_seconds: bool = False
    has_question_mark: bool = False


UNIX = CronRules()


class Scheduled(NamedTuple):
    """The result of creating or updating a schedule.

    Attributes:
      done: `created` or `updated`.
      link: Its page.
      paused: Whether it was, and still is, paused.
      clock: What else determines the time zone; "" for nothing.
    """

    done: str
    link: str
    paused: bool = False
    clock: str = ""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When to run.

    Attributes:
      cron: Minute, hour, day of month, month, day of week; for Kubeflow a second may precede them.
      timezone: IANA name, for example `Europe/Berlin`.
      max_concurrent: Runs at the same time, at least 1.
      start: First moment, with its UTC offset; None for now.
      end: Last moment, with its UTC offset; None for no end.
    """

    cron: str
    timezone: str = "UTC"
    max_concurrent: int = 1
    start: datetime.datetime | None = None
    end: datetime.datetime | None = None

    def upcoming(self, count: int, now: datetime.datetime) -> list[datetime.datetime]:
        """Returns the next moments, at most `count`, in the schedule's time zone.

        Args:
          count: How many.
          now: The present, with its offset.
        """
        zone = zoneinfo.ZoneInfo(self.timezone)
        begin = max(now, self.start) if self.start else now
        # A run that is due exactly at the start is included.
        begin = begin.astimezone(zone) - datetime.timedelta(seconds=1)
        times = itertools.islice(cronsim.CronSim(_plain(self.cron), begin), count)
        return [moment for moment in times if self.end is None or moment <= self.end]


def timing(
    cron: str,
    timezone: str,
    max_concurrent: int,
    start: str | None,
    end: str | None,
    *,
    rules: CronRules = UNIX,
) -> Timing:
    """Returns checked timing; `start` and `end` without an offset are in `timezone`.

    Args:
      cron: The times, by the platform's rules.
      timezone: IANA name.
      max_concurrent: Runs at the same time.
      start: First moment, in ISO form; None for now.
      end: Last moment, in ISO form; None for no end.
      rules: How the platform reads the times.

    Raises:
      BadInputError: If a value is wrong, or the schedule would never run.
    """
    _check_cron(cron, rules)
    try:
        zone = zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise BadInputError(
            f"--timezone must be an IANA name such as Europe/Berlin. Received: {timezone}"
        ) from error
    if max_concurrent < 1:
        raise BadInputError(f"--max-concurrent must be at least 1. Received: {max_concurrent}")
    first, last = _moment("--start", start, zone), _moment("--end", end, zone)
    if first and last and last <= first:
        raise BadInputError(f"--end must be later than --start. Received: {start} and {end}")
    parsed = Timing(
        cron=" ".join(cron.split()),
        timezone=timezone,
        max_concurrent=max_concurrent,
        start=first,
        end=last,
    )
    try:
        runs = parsed.upcoming(1, datetime.datetime.now(datetime.UTC))
    except (cronsim.CronSimError, StopIteration) as error:
        raise BadInputError(
            f"--cron {cron!r} names a day that does not exist in any month."
        ) from error
    if not runs:
        raise BadInputError(f"--cron {cron!r} has no time before --end {end}.")
    return parsed


def next_on_kubeflow(
    cron: str, start: datetime.datetime | None, end: datetime.datetime | None
) -> str:
    """Returns when Kubeflow runs a schedule next; "" for never, or a form like `@daily`.

    Args:
      cron: As Kubeflow keeps it. The last of its six fields may be missing there.
      start: First moment; None for now.
      end: Last moment; None for never.
    """
    fields = cron if len(cron.split()) == 6 else f"{cron} *"
    try:
        timing = Timing(cron=fields, start=start, end=end)
        upcoming = timing.upcoming(1, datetime.datetime.now(datetime.UTC))
    except cronsim.CronSimError:
        return ""
    return f"{upcoming[0]:%Y-%m-%d %H:%M:%S} (the controller's time zone)" if upcoming else ""


def with_seconds(cron: str) -> str:
    """Returns the six fields that Kubeflow needs; the seconds default to 0."""
    return cron if len(cron.split()) == 6 else f"0 {cron}"


def _moment(option: str, text: str | None, zone: zoneinfo.ZoneInfo) -> datetime.datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(
            f"{option} must look like 2030-01-31T03:00:00. Received: {text}"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _check_cron(cron: str, rules: CronRules) -> None:
    fields = [*_FIELDS, ("day of week", 0, rules.last_day)]
    texts = cron.split()
    if rules.has_seconds and len(texts) == 6:
        fields = [_SECOND, *fields]
    if len(texts) != len(fields):
        also = ", optionally preceded by seconds" if rules.has_seconds else ""
        raise BadInputError(
            "--cron must have five fields (minute, hour, day of month, month, day of "
            f"week{also}), for example '0 3 * * 1'. Received {len(texts)} fields: {cron!r}"
        )
    for (name, low, high), text in zip(fields, texts, strict=True):
        for part in text.split(","):
            why = _wrong(part, name, low, high, rules)
            if why:
                raise BadInputError(f"--cron {cron!r}: the {name} {why}. Received: {text!r}")


def _wrong(part: str, name: str, low: int, high: int, rules: CronRules) -> str:
    """Returns what is wrong with one part of a field's list; "" if it is valid."""
    must = f"must be within {low}..{high}, *, a range or a list"
    match = _PART.match(part)
    if not match or bool(match["all"]) == bool(match["first"]):
        return must
    if match["all"] == "?" and not rules.has_question_mark:
        return must
    if match["step"] and int(match["step"]) == 0:
        return "must have a step of at least 1 after the /"
    ends = [_number(text, name) for text in (match["first"], match["last"]) if text]
    if name == "day of week" and 7 in ends and high < 7:
        return f"must be within 0..6 on {rules.reader}, where Sunday is 0 or SUN"
    if any(number is None or not low <= number <= high for number in ends):
        return must
    if len(ends) == 2 and (ends[0] or 0) > (ends[1] or 0):
        return f"must have ascending ranges ({match['last']} comes before {match['first']})"
    return ""


def _number(text: str, name: str) -> int | None:
    names = _NAMES.get(name, [])
    if text.lower() in names:
        return names.index(text.lower()) + (name == "month")
    return int(text) if text.isascii() and text.isdigit() else None


def _plain(cron: str) -> str:
    """Returns equivalent fields for `cronsim`.

    `cronsim` does not support `?`, and reads a day of the week `N/step` as N to 7, past Saturday.
    """
    *others, days = cron.replace("?", "*").split()
    days = re.sub(r"(^|,)(\w+)/", r"\1\2-6/", days)
    return " ".join([*others, days])
