"""One run on this machine, from its lock to its last line."""

import datetime
import logging
import os
import time
from typing import Any

from rich.console import Console

from pipelines import startup, tasks
from pipelines.config import RunConfig
from pipelines.local import archive, locking, notifying, run_files
from pipelines.local.summary import EXIT_CODES, FAILED, NOTHING_NEW, Summary
from pipelines.local.unchanged import Repetition, Stamp
from pipelines.task_files import spelling
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.task import Task

_log = logging.getLogger(__name__)


def once(config: RunConfig) -> int:
    """Runs a task's pipeline, or tells that this would repeat the last run; returns the exit code.

    Raises:
      BadInputError: If it cannot begin: no such task, a wrong setting, another run in progress.
    """
    notifying.check(config.notify)
    try:
        summary, code = _once(config)
    except BadInputError as error:
        own = config.names.own
        kept = archive.keep_refusal(config.folder, run_id=_run_id(), name=own, error=error)
        notifying.refused(config, error, kept)
        raise
    notifying.after(config.notify, summary, run_files.summary_file(config.folder, summary.run_id))
    return code


def _once(config: RunConfig) -> tuple[Summary, int]:
    begin = time.monotonic()
    stamp = Stamp(config)
    task = tasks.load(config.task, config.settings, config.weights)
    if config.fresh or not stamp.exists:
        # Before there is a folder. Where there is a stamp, the last run had these settings.
        _check(task)
    _make(config)
    with locking.held(config.folder) as dead:
        spelling.claim(spelling.parse(config.task), config.folder)
        again = Repetition() if config.fresh else stamp.repetition(task)
        if again.last:
            return again.last, _repeat(config, again.last, begin)
        _check(task)
        return _run(task, config, stamp, begin, _news(again, dead))


def _check(task: Task) -> None:
    # Imported here, as it takes a second: judging gates needs scipy.
    from pipelines import early_checks

    early_checks.check_settings(task)


def _make(config: RunConfig) -> None:
    try:
        os.makedirs(config.folder, exist_ok=True)
    except OSError as error:
        raise BadInputError(
            f"--root: cannot write to {config.folder}: {error.strerror}."
        ) from error


def _news(again: Repetition, dead: str) -> list[str]:
    """Returns lines on what a run finds when it begins."""
    lines = []
    if dead:
        lines.append(f"took over the lock of {dead}, which has ended")
    if again.changed:
        lines.append(f"changed since the last run: {', '.join(again.changed)}")
    return lines


def _run_id() -> str:
    return datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]


def _repeat(config: RunConfig, summary: Summary, begin: float) -> int:
    """Ends a run that repeats the last one: archives it and prints one line."""
    summary.run_id = _run_id()
    summary.seconds["total"] = round(time.monotonic() - begin, 3)
    archive.repeat(config.folder, summary.__dict__)
    summary.write(os.path.join(config.folder, "summary.json"))
    if not (config.quiet and summary.status == NOTHING_NEW):
        from pipelines.local import conclusion

        conclusion.show_repetition(Console(highlight=False), summary)
    return EXIT_CODES[summary.status]


def _run(
    task: Task, config: RunConfig, stamp: Stamp, begin: float, news: list[str]
) -> tuple[Summary, int]:
    from pipelines.local import conclusion, progress
    from pipelines.local import console as consoles

    stamp.forget()
    run_id = _run_id()
    log = os.path.join(config.folder, "logs", f"{run_id}.log")
    own = config.names.own
    summary = Summary(task=task.name, name=own, run_id=run_id, log=log)
    expected = progress.expected(config.folder)
    with consoles.quiet(log, expected, silent=config.quiet) as console:
        console.lines.print(f"[bold]{own}[/]  run {run_id}  log {log}")
        for line in news:
            console.lines.print(line, style="dim", markup=False)
        try:
            code = _execute(task, config, stamp, summary, console, begin)
        except Exception as error:
            # Neither bad input nor a component, but a fault of this program; it is told as well.
            _log.exception("the run failed")
            summary.status, code = FAILED, 1
            summary.error = f"{type(error).__name__}: {error}"
            archive.keep(config.folder, summary.__dict__, task, {})
        finally:
            summary.seconds["total"] = round(time.monotonic() - begin, 3)
            summary.write(os.path.join(config.folder, "summary.json"))
        if not (config.quiet and summary.status == NOTHING_NEW):
            conclusion.show(console.console, summary, task.display)
    return summary, EXIT_CODES[summary.status] if code is None else code


def _execute(
    task: Task, config: RunConfig, stamp: Stamp, summary: Summary, console: Any, begin: float
) -> int | None:
    """Runs the pipeline and fills `summary`; returns an exit code that its status lacks."""
    console.start("starting up")
    try:
        pipeline, task = _prepare(task, config, stamp)
    except BadInputError as error:
        summary.error = str(error)
        summary.seconds["total"] = round(time.monotonic() - begin, 3)
        archive.keep(config.folder, summary.__dict__, task, {})
        return 2
    finally:
        console.stop()
    from pipelines.local import disk, lineage, outcome, schema_review
    from pipelines.local.ancestry import origin
    from pipelines.local.runner import LocalRunner, NodeFailedError

    runner = LocalRunner(
        run_id=summary.run_id,
        started=console.start,
        finished=lambda result: console.finish(
            result.id,
            seconds=result.seconds,
            cached=result.cached,
            note=outcome.add_node(summary, result),
        ),
        about=origin.of_run(config, summary.run_id),
    )
    code = None
    try:
        runner.run(pipeline)
        outcome.conclude(summary, runner.results, config.serving_folder)
    except NodeFailedError as failure:
        console.fail(failure.node_id, seconds=failure.seconds)
        outcome.add_failure(summary, failure)
        summary.error, code = lineage.explain(failure)
    summary.seconds["total"] = round(time.monotonic() - begin, 3)
    summary.schema = schema_review.offered(config, run_id=summary.run_id, results=runner.results)
    summary.disk = disk.used(config.folder, config.serving_folder)
    outcome.archive(config.folder, summary, task, runner.results)
    made = (a.uri for r in runner.results for artifacts in r.outputs.values() for a in artifacts)
    stamp.leave(summary, made)
    return code


def _prepare(task: Task, config: RunConfig, stamp: Stamp) -> tuple[Any, Task]:
    """Returns the pipeline, and the task with the classes of its data.

    Errors in the data are reported before importing TFX, which takes seconds.
    """
    from components.example_gen import ingest
    from components.pusher import served
    from pipelines import early_checks
    from pipelines.local import watched

    task, data, source = ingest.prepare(
        task, config.data, config.root, window=config.window, evaluate=config.evaluate
    )
    stamp.reads(watched.of(task, config, data, source))
    served.check_room(
        config.serving_folder,
        task=task.name,
        classes=task.problem.names,
        target=task.problem.predicted_number,
    )
    startup.prepare()
    if config.fresh:
        from components import shard_store

        shard_store.forget(config.store_folder)
    # Published weights are downloaded before a first training; later they may have been removed
    # from the cache, and a run with nothing new to do does not need them.
    first = not os.path.isdir(os.path.join(config.artifacts_folder, "Trainer"))
    early_checks.check_network(task, download=first)

    from pipelines.image_pipeline import create_pipeline
    from pipelines.local import lineage, metadata_store

    connection = metadata_store.connection(config.metadata_file)
    lineage.forget_vanished_pushes(connection)
    return create_pipeline(task, config, data=data, source=source, connection=connection), task
