"""Notifies a webhook that a run failed or its model was rejected: runs in Notify and Verdict.

    python -m pipelines.cloud.notify end|verdict --task NAME --webhook URL --executor_input …

The body is JSON: `status` (`failed`, `cancelled` or `refused`), `task`, `run`, `link`, `reasons`,
and `text`, one paragraph with all of it, which Slack, Mattermost and Google Chat show as it is.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import urllib3

from components import service_calls
from components.service_calls import BLESSED, ServiceError
from pipelines import startup
from pipelines.cloud import container

# Vertex AI's term, Kubeflow's terms.
_SUCCEEDED = ("SUCCEEDED", "COMPLETE", "CACHED")
_CANCELLED = ("CANCELLED", "CANCELED", "CANCELLING")
_TRANSIENT = (429, 500, 502, 503, 504)
_TIMEOUT = 30.0
# The output in which each judge writes its result.
_WHY = {"ModelGate": "verdict.txt", "ServingCheck": "check.json"}
_LONGEST = 1500
_REFUSED = 3


def main(argv: list[str] | None = None) -> int:
    """Sends the notification, if any; returns the exit code."""
    args = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s  %(message)s")
    given = json.loads(args.executor_input)
    try:
        return {"end": _end, "verdict": _verdict}[args.what](args, given)
    except ServiceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pipelines.cloud.notify")
    parser.add_argument("what", choices=("end", "verdict"))
    parser.add_argument("--task", required=True)
    parser.add_argument("--webhook")
    parser.add_argument("--host", default="")
    parser.add_argument("--fail", action="store_true", help="fail if the model is rejected")
    parser.add_argument("--executor_input", required=True)
    return parser


def _end(args: argparse.Namespace, given: Mapping[str, Any]) -> int:
    values = given["inputs"]["parameterValues"]
    final = values.get("status") or {}
    if isinstance(final, str):
        final = json.loads(final)
    state = str(final.get("state", "unknown"))
    if state in _SUCCEEDED:
        logging.info("the run succeeded: no notification")
        return 0
    # Kubeflow gives no reason, and `RUNNING` if a pod was lost before it could report its end.
    reason = (final.get("error") or {}).get("message") or f"the run ended in the state {state}"
    status = "cancelled" if state in _CANCELLED else "failed"
    _tell(args, status, values, [reason])
    return 0


def _verdict(args: argparse.Namespace, given: Mapping[str, Any]) -> int:
    local = container.to_local(dict(given))
    artifacts = local["inputs"]["artifacts"]
    reasons = [
        _reason(judge, channel["artifacts"][0])
        for judge, channel in artifacts.items()
        if not int(channel["artifacts"][0].get("metadata", {}).get(BLESSED, 0))
    ]
    if not reasons:
        logging.info("the model is blessed: no notification")
        return 0
    if args.webhook:
        _tell(args, "refused", local["inputs"]["parameterValues"], reasons)
    if args.fail:
        print(f"error: the model is not blessed. {' '.join(reasons)}", file=sys.stderr)
        return _REFUSED
    return 0


def _reason(judge: str, blessing: Mapping[str, Any]) -> str:
    """Returns a judge's reasons, if they can still be read."""
    path = os.path.join(str(blessing["uri"]), _WHY[judge])
    try:
        text = _read(path)
    except (OSError, ValueError) as error:
        logging.warning("%s cannot be read: %s", path, error)
        return f"{judge} rejected it."
    if path.endswith(".json"):
        text = str(json.loads(text).get("reason", ""))
    return f"{judge} rejected it: {' '.join(text.split())}"[:_LONGEST]


def _read(path: str) -> str:
    if "://" not in path:
        return Path(path).read_text(encoding="utf-8")
    startup.prepare()
    import tensorflow as tf

    try:
        with tf.io.gfile.GFile(path) as f:
            return str(f.read())
    except tf.errors.OpError as error:
        raise OSError(str(error)) from error


def _tell(
    args: argparse.Namespace, status: str, values: Mapping[str, Any], reasons: list[str]
) -> None:
    """Posts the notification.

    Raises:
      ServiceError: If it cannot be delivered.
    """
    link = _link(args.host, values)
    what = {
        "failed": "the run failed",
        "cancelled": "the run was cancelled",
        "refused": "the new model is not blessed, so nothing was pushed",
    }[status]
    body = {
        "status": status,
        "task": args.task,
        "run": values.get("run", ""),
        "link": link,
        "reasons": reasons,
        "text": " ".join([f"{args.task}: {what}.", *reasons, link]).strip(),
    }
    _post(_address(args.webhook), body)
    logging.info("sent to the webhook: %s", body["text"])


def _address(webhook: str) -> str:
    if not webhook.startswith("env:"):
        return webhook
    name = webhook.removeprefix("env:")
    if not os.environ.get(name):
        raise ServiceError(
            f"--notify-webhook {webhook}: the step has no environment variable {name}. Set it "
            f"with --secret SECRET:KEY={name}."
        )
    return os.environ[name]


def _link(host: str, values: Mapping[str, Any]) -> str:
    """Returns the address of the run's page; "" if it is unknown."""
    resource = str(values.get("resource", ""))
    parts = resource.split("/")
    if parts[0] == "projects" and len(parts) == 6:
        return (
            "https://console.cloud.google.com/vertex-ai/pipelines/locations/"
            f"{parts[3]}/runs/{parts[5]}?project={parts[1]}"
        )
    return f"{host}/#/runs/details/{values['run']}" if host and values.get("run") else ""


def _post(address: str, body: Mapping[str, Any]) -> None:
    # The address may contain a secret: messages name only the host.
    where = f"the webhook at {urllib3.util.parse_url(address).host}"

    def post() -> bool:
        answer = urllib3.request(
            "POST", address, json=dict(body), timeout=_TIMEOUT, retries=False, redirect=True
        )
        if answer.status >= 300:
            raise _AnswerError(answer.status)
        return True

    service_calls.with_retries(
        post,
        transient=lambda error: (
            isinstance(error, urllib3.exceptions.HTTPError | OSError)
            or (isinstance(error, _AnswerError) and error.status in _TRANSIENT)
        ),
        explain=lambda error: (
            f"{where} returned status {error.status}."
            if isinstance(error, _AnswerError)
            else f"{where} cannot be reached: {type(error).__name__}."
        ),
    )


class _AnswerError(Exception):
    """The webhook returned an error status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


if __name__ == "__main__":
    sys.exit(main())
