"""When a scheduled pipeline runs: checked before anything is sent."""

import datetime
import re
import zoneinfo
from dataclasses import dataclass

from trainer_modules.engine.errors import BadInputError

_FIELDS = (
    ("minute", 0, 59),
    ("hour", 0, 23),
    ("day of month", 1, 31),
    ("month", 1, 12),
    ("day of week", 0, 7),
)
_NAMES = re.compile(
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat", re.IGNORECASE
)
_PART = re.compile(r"^(\*|\d+(-\d+)?)(/\d+)?$")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When to run.

    Attributes:
      cron: Five fields: minute, hour, day of month, month, day of week.
      timezone: IANA name, for example `Europe/Berlin`.
      max_concurrent: Runs at the same time, at least 1.
      start: First moment, with its offset; None for now.
      end: Last moment, with its offset; None for never.
    """

    cron: str
    timezone: str = "UTC"
    max_concurrent: int = 1
    start: datetime.datetime | None = None
    end: datetime.datetime | None = None


def timing(
    cron: str, timezone: str, max_concurrent: int, start: str | None, end: str | None
) -> Timing:
    """Returns checked timing; `start` and `end` without an offset are in `timezone`.

    Raises:
      BadInputError: If a value is wrong.
    """
    _check_cron(cron)
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
    return Timing(
        cron=" ".join(cron.split()),
        timezone=timezone,
        max_concurrent=max_concurrent,
        start=first,
        end=last,
    )


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


def _check_cron(cron: str) -> None:
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise BadInputError(
            f"--cron takes five fields (minute, hour, day of month, month, day of week), for "
            f"example '0 3 * * 1'. Received {len(fields)}: {cron!r}"
        )
    for (name, low, high), text in zip(_FIELDS, fields, strict=True):
        plain = _NAMES.sub(str(low), text) if name in ("month", "day of week") else text
        for part in plain.split(","):
            numbers = [int(n) for n in re.findall(r"\d+", part.partition("/")[0])]
            if not _PART.match(part) or any(not low <= n <= high for n in numbers):
                raise BadInputError(
                    f"--cron {cron!r}: the {name} must be within {low}..{high}, *, a range or a "
                    f"list. Received: {text!r}"
                )
