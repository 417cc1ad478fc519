"""Archives a small summary of each local run, separate from TFX's artifacts, and its report.

<root>/<task>/runs/<run id>/summary.json   what the run printed
                           task.json       the task, settings applied
                           report.json     Evaluator's report, where the run got so far
                           history.json    the training's, if the run got that far
                           report.html     the run's page, if it drew one
<root>/<task>/report/index.html            the last run's page
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.local import summary as summaries
from pipelines.local.run_files import (
    REPORT,
    RUNS,
    SUMMARY,
    replace_file,
    report_page,
    summary_file,
)
from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Task

LATEST, PREVIOUS = "latest", "previous"
_COPIED = {"report.json": "evaluation", "history.json": "model_run"}


@dataclass(frozen=True)
class Run:
    """An archived run.

    Attributes:
      name: Its id, or the folder it was read from.
      summary: `summary.json`.
      task: The task in plain form; {} where it was not kept.
      report: Evaluator's report; {} where the run did not get so far.
      history: The training's history; {} if the run did not reach it.
    """

    name: str
    summary: dict[str, Any]
    task: dict[str, Any]
    report: dict[str, Any]
    history: dict[str, Any]


def keep(folder: str, summary: Mapping[str, Any], task: Task, artifacts: Mapping[str, str]) -> str:
    """Archives a run.

    Args:
      folder: Where the task's runs are kept, `<root>/<task>`.
      summary: The fields of `summary.json`; `run_id` names the run.
      task: The task, settings applied.
      artifacts: URIs of `evaluation` and `model_run`, as far as the run got.

    Returns:
      The folder of the run.
    """
    target = os.path.join(folder, RUNS, summary["run_id"])
    os.makedirs(target, exist_ok=True)
    for name, key in _COPIED.items():
        source = os.path.join(artifacts.get(key, ""), name)
        if key in artifacts and os.path.exists(source):
            shutil.copyfile(source, os.path.join(target, name))
    # The summary last: a folder that has one is a whole archive.
    plain = {"task.json": overrides.to_plain(task), SUMMARY: dict(summary)}
    for name, content in plain.items():
        text = json.dumps(content, indent=1, ensure_ascii=False)
        replace_file(os.path.join(target, name), text)
    return target


def keep_refusal(folder: str, *, run_id: str, name: str, error: Exception) -> str:
    """Archives a run that ended before it had begun, as a failed one, so that no night is missing.

    A name without earlier runs is left alone: nobody looks for a mistyped command's history.

    Args:
      folder: Where the runs of the name are kept.
      run_id: The run.
      name: The name.
      error: What was wrong with the settings, or who holds the folder.

    Returns:
      The summary's path; "" where there is none.
    """
    if not os.path.isdir(os.path.join(folder, RUNS)):
        return ""
    summary = summaries.Summary(task=name, name=name, run_id=run_id, error=str(error))
    summary.write(summary_file(folder, run_id))
    return summary_file(folder, run_id)


def keep_report(folder: str, run_id: str) -> None:
    """Keeps the published report, which the next run replaces, in the run's archive.

    The page holds all its pictures, so that the one file is the whole report.

    Args:
      folder: Where the task's runs are kept.
      run_id: The run; its page is the one that `publish` returned, complete.
    """
    target = report_page(folder, run_id)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    _link(os.path.join(folder, "report", "index.html"), target)


def repeat(folder: str, summary: Mapping[str, Any]) -> None:
    """Archives a run that repeats an earlier one, whose task, report and history are its own.

    Args:
      folder: Where the task's runs are kept, `<root>/<task>`.
      summary: The fields of `summary.json`; `repeats` names the earlier run.
    """
    source = os.path.join(folder, RUNS, summary["repeats"])
    target = os.path.join(folder, RUNS, summary["run_id"])
    os.makedirs(target, exist_ok=True)
    for name in ("task.json", *_COPIED, REPORT):
        if os.path.exists(os.path.join(source, name)):
            _link(os.path.join(source, name), os.path.join(target, name))
    text = json.dumps(dict(summary), indent=1, ensure_ascii=False)
    replace_file(os.path.join(target, SUMMARY), text)


def _link(source: str, target: str) -> None:
    """Makes a second name of a file, or a copy where a file system has no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def publish(report_uri: str, folder: str) -> str:
    """Copies a report to `<folder>/report/`, replacing the previous one.

    Args:
      report_uri: Report's artifact.
      folder: Where the task's runs are kept.

    Returns:
      The page's path.
    """
    target, fresh = os.path.join(folder, "report"), os.path.join(folder, ".report")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(report_uri, fresh)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(fresh, target)
    return os.path.join(target, "index.html")


def find(folder: str, name: str) -> Run:
    """Reads an archived run.

    Args:
      folder: Where the task's runs are kept, `<root>/<task>`.
      name: A run id, `latest`, `previous`, or the path of a run's folder.

    Raises:
      BadInputError: If there is no such run.
    """
    if os.path.isfile(os.path.join(name, SUMMARY)):
        return _read(name, os.path.basename(os.path.normpath(name)))
    runs = os.path.join(folder, RUNS)
    known = sorted(os.listdir(runs)) if os.path.isdir(runs) else []
    back = {LATEST: 1, PREVIOUS: 2}.get(name)
    if back is not None and len(known) >= back:
        name = known[-back]
    if not known:
        raise BadInputError(f"--compare: no runs are kept in {runs} yet. Run the task first.")
    if name not in known:
        choices = [LATEST, PREVIOUS][: len(known)] + known[:-6:-1]
        raise BadInputError(
            f"--compare: a run {did_you_mean(name, choices)}. Runs are kept in {runs}; the path "
            "of a run's folder is also accepted."
        )
    return _read(os.path.join(runs, name), name)


def _read(folder: str, name: str) -> Run:
    parts = []
    for file in (SUMMARY, "task.json", "report.json", "history.json"):
        path = os.path.join(folder, file)
        try:
            with open(path, encoding="utf-8") as f:
                parts.append(json.load(f))
        except FileNotFoundError:
            parts.append({})
        except ValueError as error:
            raise BadInputError(f"--compare: {path} is not valid JSON ({error}).") from error
    return Run(name, *parts)
