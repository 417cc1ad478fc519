"""Open-source Kubeflow Pipelines: runs and schedules, over its REST API, without Google Cloud."""

import datetime
import json
import os
from typing import Any

import kfp_server_api as api
import urllib3.exceptions

from components import service_calls
from components.service_calls import ServiceError
from pipelines import schedules
from pipelines.cloud_config import CloudConfig
from pipelines.compiler import Compiled
from pipelines.schedules import Scheduled, Timing
from trainer_modules.engine.errors import BadInputError

# A bearer token for installations that require one.
TOKEN_VARIABLE = "KFP_TOKEN"
_TRANSIENT_CODES = (429, 502, 503, 504)
_OVER = {"SUCCEEDED": True, "SKIPPED": True, "FAILED": False, "CANCELED": False}
_PAGE = 100
_CLOCK = "unless CRON_SCHEDULE_TIMEZONE of ml-pipeline-scheduledworkflow says otherwise"
_TIMEOUT = 60


class Kubeflow:
    """One installation of Kubeflow Pipelines; see `cloud_commands.Platform`."""

    def __init__(self, config: CloudConfig) -> None:
        self._config = config
        self._filed_under = config.experiment or config.names.experiment
        settings = api.Configuration(host=(config.host or "").rstrip("/"))
        settings.retries = False
        token = os.environ.get(TOKEN_VARIABLE)
        if token:
            settings.api_key = {"authorization": token}
            settings.api_key_prefix = {"authorization": "Bearer"}
        client = api.ApiClient(settings)
        self._experiments = api.ExperimentServiceApi(client)
        self._runs = api.RunServiceApi(client)
        self._recurring = api.RecurringRunServiceApi(client)
        self._client = client

    def _call(self, call: Any, look_up: Any = lambda: None) -> Any:
        return service_calls.patiently(
            call, transient=_transient, explain=self._explain, look_up=look_up
        )

    def _explain(self, error: Exception) -> str:
        where = f"Kubeflow Pipelines ({self._config.host})"
        if isinstance(error, api.ApiException) and error.status in (401, 403):
            return (
                f"{where} denies access ({error.status} {error.reason}). Set {TOKEN_VARIABLE} to "
                "a token with access to the namespace, and --namespace to that of your profile. "
                "docs/kubeflow.md shows how to get one."
            )
        if isinstance(error, api.ApiException):
            return f"{where}: {error.status} {error.reason}: {_message(error)}"
        return (
            f"{where} cannot be reached: {error}. Check --host; kubectl port-forward may have "
            "stopped."
        )

    def _experiment(self) -> str:
        """Returns the experiment's id; creates the experiment if necessary."""

        def find() -> str | None:
            found = self._experiments.experiment_service_list_experiments(
                namespace=self._config.namespace,
                filter=_filter("name", self._filed_under),
                _request_timeout=_TIMEOUT,
            )
            named = [e for e in found.experiments or [] if e.display_name == self._filed_under]
            return str(named[0].experiment_id) if named else None

        def find_or_create() -> str:
            return find() or str(
                self._experiments.experiment_service_create_experiment(
                    api.V2beta1Experiment(
                        display_name=self._filed_under,
                        namespace=self._config.namespace or None,
                    ),
                    _request_timeout=_TIMEOUT,
                ).experiment_id
            )

        return str(self._call(find_or_create, find))

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
            service_account=self._config.service_account,
        )

    def run_request(self, compiled: Compiled, values: dict[str, Any]) -> dict[str, Any]:
        """Returns the body of `POST /apis/v2beta1/runs`."""
        body = self._run(compiled, values, f"<id of {self._filed_under}>")
        return dict(self._client.sanitize_for_serialization(body))

    def submit(self, compiled: Compiled, values: dict[str, Any]) -> tuple[str, str]:
        """Starts a run."""
        experiment = self._experiment()
        body = self._run(compiled, values, experiment)

        def created_before() -> Any:
            found = self._runs.run_service_list_runs(
                namespace=self._config.namespace,
                experiment_id=experiment,
                filter=_filter("name", body.display_name),
                _request_timeout=_TIMEOUT,
            )
            named = [r for r in found.runs or [] if r.display_name == body.display_name]
            return named[0] if named else None

        run = self._call(
            lambda: self._runs.run_service_create_run(body, _request_timeout=_TIMEOUT),
            created_before,
        )
        return run.run_id, f"{(self._config.host or '').rstrip('/')}/#/runs/details/{run.run_id}"

    def state(self, run: str) -> tuple[str, bool | None, str]:
        """Returns a run's state."""
        found = self._call(lambda: self._runs.run_service_get_run(run, _request_timeout=_TIMEOUT))
        why = found.error.message if found.error else ""
        return str(found.state).lower(), _OVER.get(found.state), why or ""

    def blessings(self, run: str) -> dict[str, bool]:
        """Returns step → whether it blessed the model."""
        from pipelines import kfp_metadata

        token = os.environ.get(TOKEN_VARIABLE)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return kfp_metadata.blessings(self._config.host or "", run, headers)

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
            service_account=self._config.service_account,
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
        return dict(self._client.sanitize_for_serialization(body))

    def schedule(
        self, name: str, compiled: Compiled, values: dict[str, Any], timing: Timing
    ) -> Scheduled:
        """Creates the schedule with this name, and then deletes those that it replaces.

        Kubeflow cannot change a recurring run, so an update creates a new one, paused if the old
        ones are.
        """
        experiment = self._experiment()
        named = self._named(name)
        paused = bool(named) and all(one.status == "DISABLED" for one in named)
        body = self._schedule(name, compiled, values, timing, experiment, paused)
        before = {one.recurring_run_id for one in named}

        def created_before() -> Any:
            new = [one for one in self._list() if one.display_name == name]
            return next((one for one in new if one.recurring_run_id not in before), None)

        made = self._call(
            lambda: self._recurring.recurring_run_service_create_recurring_run(
                body, _request_timeout=_TIMEOUT
            ),
            created_before,
        )
        for old in sorted(before):
            self._delete(old)
        host = (self._config.host or "").rstrip("/")
        link = f"{host}/#/recurringrun/details/{made.recurring_run_id}"
        return Scheduled("updated" if before else "created", link, paused, _CLOCK)

    def _delete(self, identifier: str) -> None:
        def delete() -> bool:
            try:
                self._recurring.recurring_run_service_delete_recurring_run(
                    identifier, _request_timeout=_TIMEOUT
                )
            except api.ApiException as error:
                if error.status != 404:
                    raise
            return True

        self._call(delete)

    def _list(self) -> list[api.V2beta1RecurringRun]:
        found: list[api.V2beta1RecurringRun] = []
        token = ""
        while True:
            page = self._recurring.recurring_run_service_list_recurring_runs(
                namespace=self._config.namespace,
                page_size=_PAGE,
                page_token=token,
                _request_timeout=_TIMEOUT,
            )
            found += page.recurring_runs or []
            token = page.next_page_token or ""
            if not token:
                return found

    def _named(self, name: str) -> list[api.V2beta1RecurringRun]:
        return [one for one in self._call(self._list) if one.display_name == name]

    def schedules(self) -> list[dict[str, str]]:
        """Returns the schedules."""
        return [
            {
                "name": one.display_name,
                "state": str(one.status or "").lower(),
                "cron": when.cron if when else "",
                "next": schedules.next_on_kubeflow(when.cron, when.start_time, when.end_time)
                if when and one.status == "ENABLED"
                else "",
            }
            for one in self._call(self._list)
            for when in [one.trigger.cron_schedule]
        ]

    def change(self, name: str, what: str) -> None:
        """Pauses, resumes or deletes a schedule."""
        found = self._named(name)
        if not found:
            known = ", ".join(one["name"] for one in self.schedules()) or "none"
            raise ServiceError(f"There is no schedule called {name}. Existing schedules: {known}.")
        methods = {
            "pause": self._recurring.recurring_run_service_disable_recurring_run,
            "resume": self._recurring.recurring_run_service_enable_recurring_run,
        }
        for one in found:
            if what == "delete":
                self._delete(one.recurring_run_id)
            else:
                identifier = one.recurring_run_id
                self._call(
                    lambda method=methods[what], i=identifier: method(i, _request_timeout=_TIMEOUT)
                )


def _transient(error: Exception) -> bool:
    if isinstance(error, api.ApiException):
        return error.status in _TRANSIENT_CODES
    return isinstance(error, urllib3.exceptions.HTTPError | OSError)


def _message(error: api.ApiException) -> str:
    try:
        body = json.loads(error.body)
        return str(body.get("message") or body.get("error_message") or body)
    except (TypeError, ValueError):
        return str(error.body)


def _filter(key: str, value: str) -> str:
    return json.dumps({"predicates": [{"key": key, "operation": "EQUALS", "string_value": value}]})
