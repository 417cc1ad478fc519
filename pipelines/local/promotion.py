"""What has become of a run's model: pushed, held, or kept back by an earlier decision.

Pusher's output says what was so when it ran, which for a cached one may be nights ago; since then
somebody may have approved, refused or withdrawn the version. The record has the last word.
"""

import json
import os
from typing import Any

from components.pusher import deciding, placing, releases
from components.pusher.component import HELD_REASONS, HELD_VERSION, UNCHANGED, WITHHELD
from components.pusher.releases import Release
from pipelines.local import summary as summaries
from pipelines.local.summary import Summary


def conclude(summary: Summary, pushed: Any, serving_folder: str) -> None:
    """Sets the status of a run whose model is blessed, and where the model is.

    Args:
      summary: The run.
      pushed: Pusher's output.
      serving_folder: Where models are pushed.

    Raises:
      BadInputError: If the record of versions is damaged.
    """
    summary.status = summaries.NOTHING_NEW
    record = releases.read(serving_folder)
    destination = pushed.get_string_custom_property("pushed_destination")
    version = os.path.basename(destination) or pushed.get_string_custom_property(HELD_VERSION)
    release = record.of_version(version) if version else None
    state = release.state if release else ""
    if release and state in (releases.HELD, releases.APPROVED):
        reasons = json.loads(pushed.get_string_custom_property(HELD_REASONS) or "[]")
        summary.status = summaries.HELD
        summary.held = {"version": release.version, "reasons": reasons}
    elif release and state in (releases.WITHDRAWN, releases.REFUSED):
        summary.pushed_model, summary.withheld = None, deciding.against(release)
    elif release and release.removed:
        summary.pushed_model, summary.withheld = None, _removed(release)
    else:
        summary.withheld = pushed.get_string_custom_property(WITHHELD)
        if release:
            summary.pushed_model = placing.served(serving_folder, release.version)
        if destination and _ran(summary) and not pushed.get_int_custom_property(UNCHANGED):
            summary.status = summaries.PUSHED


def _ran(summary: Summary) -> bool:
    """Says whether this run pushed, and not an earlier one whose result came from the cache."""
    return "Pusher" in summary.ran


def _removed(release: Release) -> str:
    event = release.events[-1]
    why = f" ({event.reason})" if event.reason else ""
    return f"version {release.version} was removed at {event.time}{why}"
