"""Runs Trainer's and Tuner's work as Vertex AI CustomJobs, through TFX's Google Cloud extension."""

from typing import Any

from tfx.components.tuner import executor as tuner_executor
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

_Artifacts = dict[str, list[Any]]


class TrainerExecutor(base_executor.BaseExecutor):
    """TFX's own executor for Vertex AI, imported only where it runs.

    Importing it loads Google's client libraries: seconds, for whoever only compiles.
    """

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Starts the job that `custom_config` describes, and waits for its end."""
        from tfx.extensions.google_cloud_ai_platform.trainer import executor

        executor.GenericExecutor(self._context).Do(input_dict, output_dict, exec_properties)


class TunerExecutor(base_executor.BaseExecutor):
    """The same for Tuner, whose job runs `SearchExecutor`.

    TFX's own for Vertex AI starts a second process that hands out trials, also where one machine
    does them all, and forgets them when that machine is taken away.
    """

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Starts the job that `custom_config` describes, and waits for its end."""
        from tfx.extensions.google_cloud_ai_platform.trainer import executor

        class Starter(executor.GenericExecutor):
            def _GetExecutorClass(self) -> type[SearchExecutor]:
                return SearchExecutor

        Starter(self._context).Do(input_dict, output_dict, exec_properties)


class SearchExecutor(tuner_executor.Executor):
    """What the CustomJob runs: TFX's search, its trials kept beside its results.

    A job that starts again is given the same outputs, and goes on after the trials it finds there.
    """

    def Do(
        self, input_dict: _Artifacts, output_dict: _Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Searches, and writes the best hyperparameters and every trial's score."""
        kept = artifact_utils.get_single_uri(output_dict["tuner_results"])
        tuner = tuner_executor.search(input_dict, exec_properties, kept)
        tuner_executor.write_best_hyperparameters(tuner, output_dict)
