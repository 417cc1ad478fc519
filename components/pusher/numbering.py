"""The number of the next version."""

from components.pusher import placing
from components.pusher.releases import Record
from trainer_modules.engine.saved_model import versions


def new_version(record: Record, folder: str, now: int) -> str:
    """Returns the number of the next version: the time, but higher than any before.

    Args:
      record: What has happened in the serving folder.
      folder: The serving folder.
      now: Seconds since 1970.
    """
    places = (folder, placing.held(folder, ""), placing.withdrawn(folder, ""))
    there = [version.number for place in places for version in versions.newest_first(place)]
    recorded = [release.number for release in record.releases]
    return str(max([now, *(number + 1 for number in there + recorded)]))
