"""One run on this machine, from its lock to its last line."""

import datetime
import os
import time
from typing import Any

from pipelines import startup, tasks
from pipelines.config import RunConfig
from pipelines.local import locking
from pipelines.task_files import spelling
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task.task import Task


def once(config: RunConfig) -> int:
    """Runs a task's pipeline; returns the exit code.

    Raises:
      BadInputError: If it cannot begin: no such task, a wrong setting, another run in progress.
    """
    try:
        return _locked_run(_task(config), config)
    except BadInputError as error:
        from pipelines.local import archive

        archive.keep_refusal(config.folder, run_id=_run_id(), name=config.names.own, error=error)
        raise


def _run_id() -> str:
    return datetime.datetime.now().strftime("%Y%m%d-%H%M%S-%f")[:-3]


def _task(config: RunConfig) -> Task:
    """Returns the task of a run, its settings applied and checked.

    Raises:
      BadInputError: If there is no such task, or a setting is wrong.
    """
    # Imported here, as it takes a second: judging gates needs scipy.
    from pipelines import early_checks

    task = tasks.load(config.task, config.settings, config.weights)
    early_checks.check_settings(task)
    return task


def _locked_run(task: Task, config: RunConfig) -> int:
    try:
        os.makedirs(config.folder, exist_ok=True)
    except OSError as error:
        raise BadInputError(
            f"--root: cannot write to {config.folder}: {error.strerror}."
        ) from error
    with locking.held(config.folder):
        spelling.claim(spelling.parse(config.task), config.folder)
        return _run(task, config)


def _run(task: Task, config: RunConfig) -> int:
    from pipelines.local import console as consoles
    from pipelines.local import progress
    from pipelines.local.summary import EXIT_CODES, Summary

    begin = time.monotonic()
    run_id = _run_id()
    log = os.path.join(config.folder, "logs", f"{run_id}.log")
    own = config.names.own
    summary = Summary(task=task.name, name=own, run_id=run_id, log=log)
    with consoles.quiet(log, progress.expected(config.folder)) as console:
        console.console.print(f"[bold]{own}[/]  run {run_id}  log {log}")
        try:
            code = _execute(task, config, summary, console, begin)
        finally:
            summary.seconds["total"] = round(time.monotonic() - begin, 3)
            summary.write(os.path.join(config.folder, "summary.json"))
        from pipelines.local import conclusion

        conclusion.show(console.console, summary, task.display)
    return EXIT_CODES[summary.status] if code is None else code


def _execute(task: Task, config: RunConfig, summary: Any, console: Any, begin: float) -> int | None:
    """Runs the pipeline and fills `summary`; returns an exit code that its status lacks."""
    console.start("starting up")
    try:
        pipeline, task = _prepare(task, config)
    except BadInputError as error:
        from pipelines.local import archive

        summary.error = str(error)
        summary.seconds["total"] = round(time.monotonic() - begin, 3)
        archive.keep(config.folder, summary.__dict__, task, {})
        return 2
    finally:
        console.stop()
    from pipelines.local import lineage, outcome, schema_review
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
    outcome.archive(config.folder, summary, task, runner.results)
    return code


def _prepare(task: Task, config: RunConfig) -> tuple[Any, Task]:
    """Returns the pipeline, and the task with the classes of its data.

    Errors in the data are reported before importing TFX, which takes seconds.
    """
    from components.example_gen import ingest
    from components.pusher import served
    from pipelines import early_checks

    task, data, source = ingest.prepare(task, config.data, config.root)
    served.check_room(
        config.serving_folder,
        task=task.name,
        classes=task.problem.names,
        target=task.problem.predicted_number,
    )
    startup.prepare()
    # Published weights are downloaded before a first training; later they may have been removed
    # from the cache, and a run with nothing new to do does not need them.
    first = not os.path.isdir(os.path.join(config.artifacts_folder, "Trainer"))
    early_checks.check_network(task, download=first)

    from pipelines.image_pipeline import create_pipeline
    from pipelines.local import lineage, metadata_store

    connection = metadata_store.connection(config.metadata_file)
    lineage.forget_vanished_pushes(connection)
    return create_pipeline(task, config, data=data, source=source, connection=connection), task
