"""Runs Trainer's and Tuner's work as Vertex AI CustomJobs, through TFX's Google Cloud extension."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

from tfx.components.tuner import executor as tuner_executor
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.service_calls import RUN_LABEL, ServiceError

_Artifacts = dict[str, list[Any]]
# Seconds to wait until a job of an earlier attempt has ended, and between two polls.
_GONE_WITHIN, _LOOK = 900.0, 10.0
_CANCELLED = 128 + signal.SIGTERM


class TrainerExecutor(base_executor.BaseExecutor):
    """TFX's own executor for Vertex AI, imported only where it runs.

    Importing it loads Google's client libraries, which takes seconds that compiling does not need.
    """

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Starts the job that `custom_config` describes, and waits for its end."""
        from tfx.extensions.google_cloud_ai_platform.trainer import executor

        with one_job():
            executor.GenericExecutor(self._context).Do(input_dict, output_dict, exec_properties)


class TunerExecutor(base_executor.BaseExecutor):
    """TFX's executor for Tuner, whose job runs `SearchExecutor`.

    TFX's own version for Vertex AI starts a second process that distributes trials, even when one
    machine runs them all, and loses them when that machine is preempted.
    """

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Starts the job that `custom_config` describes, and waits for its end."""
        from tfx.extensions.google_cloud_ai_platform.trainer import executor

        class Starter(executor.GenericExecutor):
            def _GetExecutorClass(self) -> type[SearchExecutor]:
                return SearchExecutor

        with one_job():
            Starter(self._context).Do(input_dict, output_dict, exec_properties)


class SearchExecutor(tuner_executor.Executor):
    """The CustomJob's search: TFX's, with the trials stored next to its results.

    A restarted job receives the same outputs and continues after the trials it finds there.
    """

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Searches, and writes the best hyperparameters and every trial's score."""
        kept = artifact_utils.get_single_uri(output_dict["tuner_results"])
        tuner = tuner_executor.search(input_dict, exec_properties, kept)
        tuner_executor.write_best_hyperparameters(tuner, output_dict)


@contextlib.contextmanager
def one_job() -> Iterator[None]:
    """Ensures that a step has at most one CustomJob, and none once the step is cancelled.

    Vertex AI ends the containers of a cancelled run with SIGTERM, as Google's own components
    expect (`google_cloud_pipeline_components.container.utils.execution_context`); a CustomJob is
    independent of the run, and would keep running and cost money until its timeout.
    """
    from tfx.extensions.google_cloud_ai_platform import training_clients

    started: list[Any] = []

    class Client(training_clients.VertexJobClient):  # type: ignore[misc]
        def launch_job(self, project: str, training_job: dict[str, Any]) -> None:
            parent = f"projects/{project}/locations/{self._region}"
            _end_others(self._client, parent, training_job)
            super().launch_job(project, training_job)
            started.append(self)

    def cancel(number: int, frame: object) -> None:
        del number, frame
        for job in started:
            logging.warning("this step was cancelled; cancelling %s too", job.get_job_name())
            job._client.cancel_custom_job(name=job.get_job_name())
        logging.shutdown()
        os._exit(_CANCELLED)

    before = signal.signal(signal.SIGTERM, cancel)
    try:
        # TFX offers no hook between making the client and waiting for its job.
        with mock.patch.object(training_clients, "VertexJobClient", Client):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end_others(client: Any, parent: str, job: dict[str, Any]) -> None:
    """Cancels the job that an earlier attempt of the step left running, and waits until it ends.

    It writes the same checkpoints as the job that is about to start.
    """
    from google.cloud import aiplatform_v1 as api

    run = job["labels"].get(RUN_LABEL)
    if not run:
        return
    over = {
        api.JobState.JOB_STATE_SUCCEEDED,
        api.JobState.JOB_STATE_FAILED,
        api.JobState.JOB_STATE_CANCELLED,
        api.JobState.JOB_STATE_EXPIRED,
        api.JobState.JOB_STATE_PARTIALLY_SUCCEEDED,
    }
    query = {"parent": parent, "filter": f'labels.{RUN_LABEL}="{run}"'}
    left = [
        one.name
        for one in client.list_custom_jobs(request=query)
        if one.display_name == job["display_name"] and one.state not in over
    ]
    for name in left:
        logging.warning("an earlier attempt of this step left %s running; cancelling it", name)
        client.cancel_custom_job(name=name)
    end = time.monotonic() + _GONE_WITHIN
    while left := [name for name in left if client.get_custom_job(name=name).state not in over]:
        if time.monotonic() > end:
            raise ServiceError(
                f"{left[0]}, left running by an earlier attempt of this step, was cancelled but "
                f"has not stopped after {_GONE_WITHIN / 60:.0f} minutes. Both jobs would write "
                "the same checkpoints, so no new one is started. Try again once it has stopped."
            )
        time.sleep(_LOOK)
