"""`submit`, `schedule`, `list`, `pause`, `resume` and `delete`, on any service."""

import argparse
import datetime
import json
import sys
from typing import Any

from components.service_calls import ServiceError
from pipelines.cloud import compiler, notifications, schedules, targets
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.notifications import JUDGES
from pipelines.cloud.platform_config import CloudConfig
from pipelines.cloud.schedules import Timing
from pipelines.cloud.service import PipelineService

__all__ = ["ServiceError", "run"]


def run(config: CloudConfig, args: argparse.Namespace) -> int:
    """Runs a command; returns the exit code.

    Raises:
      BadInputError: If something is missing or wrong.
      ServiceError: If the platform rejects a request or is unreachable.
    """
    target = targets.find(config.target)
    if args.command in ("submit", "schedule"):
        config.check_submit()
        config.check_reachable()
        timing = None
        if args.command == "schedule":
            timing = schedules.timing(
                args.cron,
                args.timezone,
                args.max_concurrent,
                args.start,
                args.end,
                rules=target.cron,
            )
        compiled = compiler.compile_job(config)
        values = dict(compiled.job["runtimeConfig"]["parameterValues"])
        if args.span is not None:
            values |= compiler.chosen_span(values, args.span)
        service = target.connect(config)
        if timing is None:
            return _submit(service, compiled, values, args)
        return _schedule(service, args.schedule or compiled.name, compiled, values, timing, args)
    config.check_manage()
    service = target.connect(config)
    if args.command == "list":
        return _list(service, args)
    if args.dry_run:
        print(json.dumps({args.command: args.schedule}, indent=1))
        return 0
    service.change(args.schedule, args.command)
    print(f"{args.schedule}: {args.command}d")
    return 0


def _submit(
    service: PipelineService, compiled: Compiled, values: dict[str, Any], args: argparse.Namespace
) -> int:
    if args.dry_run:
        print(json.dumps(service.run_request(compiled, values), indent=1, sort_keys=True))
        return 0
    name, link = service.submit(compiled, values)
    print(f"submitted {name}\n{link}")
    if not args.wait:
        return 0
    steps = notifications.steps(compiled.job["pipelineSpec"])
    return follow(service, name, tuple(judge for judge in JUDGES if judge in steps))


def follow(
    service: PipelineService, name: str, judges: tuple[str, ...] = JUDGES, pause: float = 20.0
) -> int:
    """Prints each new state of a run until it ends; returns the exit code.

    Args:
      service: Where it runs.
      name: The run.
      judges: The steps that decide whether its model is blessed.
      pause: Seconds between two requests.

    Returns:
      1 if the run failed, 3 if it succeeded and a judge did not bless the model, else 0.
    """
    import time

    shown = ""
    while True:
        state, succeeded, why = service.state(name)
        if state != shown:
            print(state, flush=True)
            shown = state
        if succeeded is not None:
            if not succeeded and notifications.VERDICT in why:
                # It fails a run only to cause an e-mail; the message is about the model.
                print(f"{name} did not succeed. {why}".strip())
                return _judged(service, name, judges) or 1
            if not succeeded:
                print(f"{name} did not succeed. {why}".strip())
                return 1
            return _judged(service, name, judges)
        time.sleep(pause)


def _judged(service: PipelineService, name: str, judges: tuple[str, ...]) -> int:
    """Prints the judges' verdict on the model; returns the exit code."""
    try:
        said = service.blessings(name)
        unread = [judge for judge in judges if judge not in said]
        why = f"the platform has no record of a blessing by {', '.join(unread)}"
    except ServiceError as error:
        said, unread, why = {}, list(judges), str(error)
    against = [judge for judge in judges if not said.get(judge, True)]
    if against:
        print(
            f"the model is not blessed, so nothing was pushed: {' and '.join(against)} rejected "
            "it. The run's report gives the reasons."
        )
        return 3
    if unread:
        print(f"note: whether the model was blessed cannot be read: {why}", file=sys.stderr)
    else:
        print("the model is blessed")
    return 0


def _schedule(
    service: PipelineService,
    name: str,
    compiled: Compiled,
    values: dict[str, Any],
    timing: Timing,
    args: argparse.Namespace,
) -> int:
    if args.dry_run:
        request = service.schedule_request(name, compiled, values, timing)
        print(json.dumps(request, indent=1, sort_keys=True))
        return 0
    scheduled = service.schedule(name, compiled, values, timing)
    zone = ", ".join(text for text in (timing.timezone, scheduled.clock) if text)
    print(f"{scheduled.done} the schedule {name}: {timing.cron} ({zone})")
    if scheduled.paused:
        print(f"it was paused and remains paused; to continue it: resume {name}")
    else:
        print(f"next runs: {_moments(timing)}")
    print(scheduled.link)
    return 0


def _moments(timing: Timing) -> str:
    """Returns the next three runs, in the schedule's time zone and in UTC."""
    now = datetime.datetime.now(datetime.UTC)
    return ", ".join(
        f"{moment:%a %Y-%m-%d %H:%M %Z}"
        + ("" if timing.timezone == "UTC" else f" ({moment.astimezone(datetime.UTC):%H:%M} UTC)")
        for moment in timing.upcoming(3, now)
    )


def _list(service: PipelineService, args: argparse.Namespace) -> int:
    if args.dry_run:
        print(json.dumps({"list": "schedules"}, indent=1))
        return 0
    listed = service.schedules()
    if not listed:
        print("there are no schedules")
    for schedule in listed:
        print("  ".join(schedule[key] for key in ("name", "state", "cron", "next")).rstrip())
    return 0
