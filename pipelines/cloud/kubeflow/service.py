"""Open-source Kubeflow Pipelines: runs and schedules, over its REST API, without Google Cloud."""

import datetime
import functools
import json
from typing import Any

import kfp_server_api as api

from components.service_calls import ServiceError
from pipelines.cloud import schedules
from pipelines.cloud.compiled import Compiled
from pipelines.cloud.kubeflow.config import KubeflowConfig
from pipelines.cloud.kubeflow.connection import TIME_LIMIT, Connection
from pipelines.cloud.schedules import Scheduled, Timing
from trainer_modules.engine.errors import BadInputError

_OVER = {"SUCCEEDED": True, "SKIPPED": True, "FAILED": False, "CANCELED": False}
_PAGE = 100
_CLOCK = "unless CRON_SCHEDULE_TIMEZONE of ml-pipeline-scheduledworkflow says otherwise"


class KubeflowService:
    """One installation of Kubeflow Pipelines; see `PipelineService`."""

    def __init__(self, config: KubeflowConfig) -> None:
        self._config = config
        self._filed_under = config.server.experiment or config.names.experiment

    @functools.cached_property
    def _client(self) -> Connection:
        return Connection(self._config.server.host or "", self._config.server.namespace)

    def _experiment(self) -> str:
        """Returns the experiment's id; creates the experiment if necessary."""
        service = self._client.experiments

        def find() -> str | None:
            listed = service.experiment_service_list_experiments(
                namespace=self._config.server.namespace,
                filter=_filter("name", self._filed_under),
                _request_timeout=TIME_LIMIT,
            )
            named = [e for e in listed.experiments or [] if e.display_name == self._filed_under]
            return str(named[0].experiment_id) if named else None

        def find_or_create() -> str:
            return find() or str(
                service.experiment_service_create_experiment(
                    api.V2beta1Experiment(
                        display_name=self._filed_under,
                        namespace=self._config.server.namespace or None,
                    ),
                    _request_timeout=TIME_LIMIT,
                ).experiment_id
            )

        return str(self._client.with_retries(find_or_create, find))

    def _spec(self, compiled: Compiled) -> dict[str, Any]:
        spec = compiled.job["pipelineSpec"]
        if not compiled.kubernetes:
            return dict(spec)
        return {"pipeline_spec": spec, "platform_spec": compiled.kubernetes}

    def _runtime(self, values: dict[str, Any]) -> api.V2beta1RuntimeConfig:
        return api.V2beta1RuntimeConfig(
            parameters=values, pipeline_root=self._config.artifacts_folder
        )

    def _run(self, compiled: Compiled, values: dict[str, Any], experiment: str) -> api.V2beta1Run:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return api.V2beta1Run(
            display_name=f"{compiled.name} {now}",
            experiment_id=experiment,
            pipeline_spec=self._spec(compiled),
            runtime_config=self._runtime(values),
            service_account=self._config.container.service_account,
        )

    def run_request(self, compiled: Compiled, values: dict[str, Any]) -> dict[str, Any]:
        """Returns the body of `POST /apis/v2beta1/runs`."""
        body = self._run(compiled, values, f"<id of {self._filed_under}>")
        return _plain(body)

    def submit(self, compiled: Compiled, values: dict[str, Any]) -> tuple[str, str]:
        """Starts a run."""
        experiment = self._experiment()
        body = self._run(compiled, values, experiment)

        def created_before() -> Any:
            listed = self._client.runs.run_service_list_runs(
                namespace=self._config.server.namespace,
                experiment_id=experiment,
                filter=_filter("name", body.display_name),
                _request_timeout=TIME_LIMIT,
            )
            named = [run for run in listed.runs or [] if run.display_name == body.display_name]
            return named[0] if named else None

        run = self._client.call(
            self._client.runs.run_service_create_run, body, look_up=created_before
        )
        return run.run_id, f"{self._client.address}/#/runs/details/{run.run_id}"

    def state(self, run: str) -> tuple[str, bool | None, str]:
        """Returns a run's state."""
        now = self._client.call(self._client.runs.run_service_get_run, run)
        why = now.error.message if now.error else ""
        return str(now.state).lower(), _OVER.get(now.state), why or ""

    def blessings(self, run: str) -> dict[str, bool]:
        """Returns step → whether it blessed the model."""
        from pipelines.cloud.kubeflow import metadata as kfp_metadata

        return kfp_metadata.blessings(self._client.address, run, self._client.headers)

    def _schedule(
        self,
        name: str,
        compiled: Compiled,
        values: dict[str, Any],
        timing: Timing,
        experiment: str,
        paused: bool = False,
    ) -> api.V2beta1RecurringRun:
        if timing.timezone != "UTC":
            raise BadInputError(
                f"--timezone {timing.timezone}: Kubeflow runs every schedule in its controller's "
                "own time zone (CRON_SCHEDULE_TIMEZONE of ml-pipeline-scheduledworkflow, UTC by "
                "default). Set it there and leave --timezone out."
            )
        return api.V2beta1RecurringRun(
            display_name=name,
            experiment_id=experiment,
            mode="DISABLE" if paused else "ENABLE",
            # Missed runs are not caught up on.
            no_catchup=True,
            max_concurrency=str(timing.max_concurrent),
            pipeline_spec=self._spec(compiled),
            runtime_config=self._runtime(values),
            service_account=self._config.container.service_account,
            trigger=api.V2beta1Trigger(
                cron_schedule=api.V2beta1CronSchedule(
                    # Without its first field Kubeflow would read the minute as the second.
                    cron=schedules.with_seconds(timing.cron),
                    start_time=timing.start,
                    end_time=timing.end,
                )
            ),
        )

    def schedule_request(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> dict[str, Any]:
        """Returns the body of `POST /apis/v2beta1/recurringruns`."""
        experiment = f"<id of {self._filed_under}>"
        body = self._schedule(name, compiled, values, timing, experiment)
        return _plain(body)

    def schedule(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> Scheduled:
        """Creates the schedule with this name, and then deletes those that it replaces.

        Kubeflow cannot change a recurring run, so an update creates a new one, paused if the old
        ones are.
        """
        experiment = self._experiment()
        replaced = self._named(name)
        paused = bool(replaced) and all(old.status == "DISABLED" for old in replaced)
        body = self._schedule(name, compiled, values, timing, experiment, paused)
        before = {old.recurring_run_id for old in replaced}

        def created_before() -> Any:
            named = [schedule for schedule in self._list() if schedule.display_name == name]
            return next((new for new in named if new.recurring_run_id not in before), None)

        made = self._client.call(
            self._client.recurring_runs.recurring_run_service_create_recurring_run,
            body,
            look_up=created_before,
        )
        for identifier in sorted(before):
            self._delete(identifier)
        link = f"{self._client.address}/#/recurringrun/details/{made.recurring_run_id}"
        return Scheduled("updated" if before else "created", link, paused, _CLOCK)

    def _delete(self, identifier: str) -> None:
        def delete() -> bool:
            try:
                self._client.recurring_runs.recurring_run_service_delete_recurring_run(
                    identifier, _request_timeout=TIME_LIMIT
                )
            except api.ApiException as error:
                # An earlier attempt may have deleted it.
                if error.status != 404:
                    raise
            return True

        self._client.with_retries(delete)

    def _list(self) -> list[api.V2beta1RecurringRun]:
        listed: list[api.V2beta1RecurringRun] = []
        token = ""
        while True:
            page = self._client.recurring_runs.recurring_run_service_list_recurring_runs(
                namespace=self._config.server.namespace,
                page_size=_PAGE,
                page_token=token,
                _request_timeout=TIME_LIMIT,
            )
            listed += page.recurring_runs or []
            token = page.next_page_token or ""
            if not token:
                return listed

    def _named(self, name: str) -> list[api.V2beta1RecurringRun]:
        every = self._client.with_retries(self._list)
        return [schedule for schedule in every if schedule.display_name == name]

    def schedules(self) -> list[dict[str, str]]:
        """Returns the schedules."""
        return [
            {
                "name": schedule.display_name,
                "state": str(schedule.status or "").lower(),
                "cron": when.cron if when else "",
                "next": schedules.next_on_kubeflow(when.cron, when.start_time, when.end_time)
                if when and schedule.status == "ENABLED"
                else "",
            }
            for schedule in self._client.with_retries(self._list)
            for when in [schedule.trigger.cron_schedule]
        ]

    def change(self, name: str, what: str) -> None:
        """Pauses, resumes or deletes a schedule."""
        named = self._named(name)
        if not named:
            known = ", ".join(other["name"] for other in self.schedules()) or "none"
            raise ServiceError(f"There is no schedule called {name}. Existing schedules: {known}.")
        service = self._client.recurring_runs
        methods = {
            "pause": service.recurring_run_service_disable_recurring_run,
            "resume": service.recurring_run_service_enable_recurring_run,
        }
        for schedule in named:
            if what == "delete":
                self._delete(schedule.recurring_run_id)
            else:
                self._client.call(methods[what], schedule.recurring_run_id)


def _plain(body: Any) -> dict[str, Any]:
    """Returns a request's body as it is sent."""
    return dict(api.ApiClient().sanitize_for_serialization(body))


def _filter(key: str, value: str) -> str:
    return json.dumps({"predicates": [{"key": key, "operation": "EQUALS", "string_value": value}]})
