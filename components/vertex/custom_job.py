"""Runs Trainer's and Tuner's work as Vertex AI CustomJobs, through TFX's Google Cloud extension."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

from tfx.components.trainer import executor as trainer_executor
from tfx.components.tuner import executor as tuner_executor
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils, name_utils

from components.service_calls import RUN_LABEL, ServiceError

_Artifacts = dict[str, list[Any]]
# Seconds to wait until a job of an earlier attempt has ended, and between two polls.
_GONE_WITHIN, _LOOK = 900.0, 10.0
_CANCELLED = 128 + signal.SIGTERM


class TrainerExecutor(base_executor.BaseExecutor):
    """Runs TFX's Trainer in a CustomJob."""

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Starts the job that `custom_config` describes, and waits for its end."""
        self._log_startup(input_dict, output_dict, exec_properties)
        run(trainer_executor.GenericExecutor, input_dict, output_dict, exec_properties)


class TunerExecutor(base_executor.BaseExecutor):
    """Runs `SearchExecutor` in a CustomJob.

    TFX's own version for Vertex AI starts a second process that distributes trials, even when one
    machine runs them all, and loses them when that machine is preempted.
    """

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Starts the job that `custom_config` describes, and waits for its end."""
        self._log_startup(input_dict, output_dict, exec_properties)
        run(SearchExecutor, input_dict, output_dict, exec_properties)


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


def run(
    executor: type[base_executor.BaseExecutor],
    input_dict: _Artifacts,
    output_dict: _Artifacts,
    exec_properties: dict[str, Any],
) -> None:
    """Runs an executor in a CustomJob of TFX's making, and waits for its end.

    A step has at most one CustomJob, and none once it is cancelled. TFX's own executor for Vertex
    AI makes the same calls, but offers no place between them to see to that, and waits for ever for
    a job that has expired.

    Args:
      executor: What the job runs.
      input_dict: Handed on to `executor`, as the other two.
      output_dict: See above.
      exec_properties: `custom_config` describes the job, see `pipelines/cloud/vertex/training.py`.

    Raises:
      ServiceError: If the job did not succeed, or one of an earlier attempt does not end.
    """
    # Loading Google's client libraries takes seconds that compiling does not need.
    from google.cloud import aiplatform_v1 as api
    from tfx.extensions.google_cloud_ai_platform import constants, training_clients
    from tfx.extensions.google_cloud_ai_platform.trainer.executor import TRAINING_ARGS_KEY

    config = json_utils.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
    described = dict(config[TRAINING_ARGS_KEY])
    project = described.pop("project")
    region = config[constants.VERTEX_REGION_KEY]
    client = training_clients.VertexJobClient(region)
    job = client.create_training_job(
        input_dict,
        output_dict,
        exec_properties,
        name_utils.get_full_name(executor),
        described,
        job_id=None,
        job_labels=None,
    )
    _end_others(client._client, f"projects/{project}/locations/{region}", job)
    with _cancelled_with_the_step(client):
        client.launch_job(project, job)
        while (response := client.get_job()).state not in _terminal_states(api):
            time.sleep(_LOOK)
    if response.state != api.JobState.JOB_STATE_SUCCEEDED:
        raise ServiceError(
            f"{client.get_job_name()} ended as {response.state.name}: "
            f"{response.error.message or 'see its log'}"
        )
    logging.info("%s succeeded", client.get_job_name())


@contextlib.contextmanager
def _cancelled_with_the_step(client: Any) -> Iterator[None]:
    """Cancels the client's job if the step is cancelled.

    Vertex AI ends the containers of a cancelled run with SIGTERM, as Google's own components
    expect (`google_cloud_pipeline_components.container.utils.execution_context`); a CustomJob is
    independent of the run, and would keep running and cost money until its timeout.
    """

    def cancel(number: int, frame: object) -> None:
        del number, frame
        if name := client.get_job_name():
            logging.warning("this step was cancelled; cancelling %s too", name)
            client._client.cancel_custom_job(name=name)
        logging.shutdown()
        os._exit(_CANCELLED)

    before = signal.signal(signal.SIGTERM, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminal_states(api: Any) -> set[Any]:
    """Returns the states of a job that has ended."""
    return {
        api.JobState.JOB_STATE_SUCCEEDED,
        api.JobState.JOB_STATE_FAILED,
        api.JobState.JOB_STATE_CANCELLED,
        api.JobState.JOB_STATE_EXPIRED,
        api.JobState.JOB_STATE_PARTIALLY_SUCCEEDED,
    }


def _end_others(client: Any, parent: str, job: dict[str, Any]) -> None:
    """Cancels the job that an earlier attempt of the step left running, and waits until it ends.

    It writes the same checkpoints as the job that is about to start.
    """
    from google.cloud import aiplatform_v1 as api

    run = job["labels"].get(RUN_LABEL)
    if not run:
        return
    over = _terminal_states(api)
    query = {"parent": parent, "filter": f'labels.{RUN_LABEL}="{run}"'}
    left = [
        listed.name
        for listed in client.list_custom_jobs(request=query)
        if listed.display_name == job["display_name"] and listed.state not in over
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
