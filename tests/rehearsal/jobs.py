"""Runs a compiled job on this machine, as the platform would: every container command, in order.

Each step is a separate process, in an empty folder, that receives `{{$}}` as an `ExecutorInput` and
writes an `ExecutorOutput`. Importers, resolvers, drivers (`preCacheCheck`) and the cache are
simulated by this module; the store of artifacts persists between runs, like a platform's.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Protocol

from pipelines.cloud import notifications
from tests.rehearsal import store as rehearsal_store
from tests.rehearsal.store import Artifact, Store

_INPUT = "{{$}}"
# The output that open-source Kubeflow adds to every step.
LOGS = "executor-logs"


Artifacts = Mapping[str, list[Artifact]]


class Launcher(Protocol):
    """The part of open-source Kubeflow around a step: transfers artifacts from and to a store."""

    def uri(self, run: str, task: str, key: str) -> str:
        """Returns the location of a step's output."""

    def before(self, inputs: Artifacts, outputs: Artifacts) -> None:
        """Fetches a step's inputs."""

    def after(self, outputs: Artifacts) -> None:
        """Stores a step's outputs."""

    def says(
        self, executor_input: dict[str, Any], parameters: Mapping[str, Any], logs: str
    ) -> dict[str, Any]:
        """Returns Kubeflow's driver's version of a complete `ExecutorInput`."""


class StepFailedError(RuntimeError):
    """A step's command ended with an exit code other than 0."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A place to run compiled jobs in.

    Attributes:
      folder: Holds artifacts, logs, working folders and the store.
      environment: The steps' whole environment; `python` is looked up in its PATH.
      parameters: Runtime parameters in place of the defaults.
      launcher: Moves artifacts, and no driver runs, as on open-source Kubeflow; None for steps
        that open artifacts directly and have drivers, as on Vertex AI.
    """

    folder: Path
    environment: Mapping[str, str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    launcher: Launcher | None = None

    def run(self, spec: Mapping[str, Any]) -> dict[str, str]:
        """Runs a pipeline spec; returns task → `ran`, `cached` or `resolved`.

        Raises:
          StepFailedError: If a command fails; the message ends with what it printed last.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        store = Store(self.folder / "store.json")
        run = f"run-{len(store.runs) + 1}"
        store.runs.append(run)
        steps = _Steps(self, spec, store, self.folder / run)
        try:
            done = {name: steps.do(name) for name in order(notifications.steps(spec))}
        except StepFailedError as error:
            steps.end("FAILED", str(error))
            raise
        else:
            steps.end("SUCCEEDED")
            return done
        finally:
            store.save()


def order(tasks: Mapping[str, Any]) -> list[str]:
    """Returns the tasks' names in topological order."""
    graph = {}
    for name, task in sorted(tasks.items()):
        given = task.get("inputs", {})
        sources = [*given.get("artifacts", {}).values(), *given.get("parameters", {}).values()]
        producers = {
            source[kind]["producerTask"]
            for source in sources
            for kind in ("taskOutputArtifact", "taskOutputParameter")
            if kind in source
        }
        graph[name] = sorted(producers | set(task.get("dependentTasks", [])))
    return list(TopologicalSorter(graph).static_order())


class _Steps:
    """One run of one spec."""

    def __init__(
        self, place: Rehearsal, spec: Mapping[str, Any], store: Store, folder: Path
    ) -> None:
        self._place, self._spec, self._store, self._folder = place, spec, store, folder
        self._tasks = {**spec["root"]["dag"]["tasks"], **notifications.steps(spec)}
        self._final: dict[str, Any] = {}
        self._outputs: dict[str, dict[str, list[Artifact]]] = {}
        self._parameters: dict[str, dict[str, Any]] = {}

    def do(self, name: str) -> str:
        task = self._tasks[name]
        component = self._spec["components"][task["componentRef"]["name"]]
        executor = self._spec["deploymentSpec"]["executors"][component["executorLabel"]]
        inputs = self._inputs(task)
        if "resolver" in executor:
            self._outputs[name] = {
                key: self._store.find(query["filter"], inputs["artifacts"])
                for key, query in executor["resolver"]["outputArtifactQueries"].items()
            }
            return "resolved"
        if "importer" in executor:
            self._outputs[name] = self._import(executor["importer"], component, inputs)
            return "resolved"
        return self._contain(name, task, component, executor["container"], inputs)

    def end(self, state: str, why: str = "") -> None:
        """Runs what follows the end of the DAG; e-mail is written by the platform itself."""
        self._final = {"state": state, "pipelineJobResourceName": self._folder.name}
        if why:
            self._final["error"] = {"message": why}
        if notifications.END in self._tasks:
            self.do(notifications.END)

    def _inputs(self, task: Mapping[str, Any]) -> dict[str, Any]:
        given = task.get("inputs", {})
        parameters = {}
        for key, source in given.get("parameters", {}).items():
            if "componentInputParameter" in source:
                parameters[key] = self._runtime_parameter(source["componentInputParameter"])
            elif "taskOutputParameter" in source:
                wanted = source["taskOutputParameter"]
                seen = self._parameters[wanted["producerTask"]]
                parameters[key] = seen[wanted["outputParameterKey"]]
            elif "taskFinalStatus" in source:
                parameters[key] = self._final
            else:
                value = source["runtimeValue"]["constant"]
                # A placeholder of the run, such as its id.
                named = isinstance(value, str) and value.startswith("{{$.pipeline_job_")
                parameters[key] = self._folder.name if named else value
        artifacts = {}
        for key, source in given.get("artifacts", {}).items():
            wanted = source["taskOutputArtifact"]
            found = self._outputs[wanted["producerTask"]][wanted["outputArtifactKey"]]
            if found:
                artifacts[key] = found
        return {"parameters": parameters, "artifacts": artifacts}

    def _runtime_parameter(self, name: str) -> Any:
        if name in self._place.parameters:
            return self._place.parameters[name]
        return self._spec["root"]["inputDefinitions"]["parameters"][name]["defaultValue"]

    def _import(
        self, importer: Mapping[str, Any], component: Mapping[str, Any], inputs: Mapping[str, Any]
    ) -> dict[str, list[Artifact]]:
        where = importer["artifactUri"]
        uri = where.get("constant") or inputs["parameters"][where["runtimeParameter"]]
        (key,) = component["outputDefinitions"]["artifacts"]
        return {key: [self._store.add(uri, importer["typeSchema"], importer.get("metadata", {}))]}

    def _contain(
        self,
        name: str,
        task: Mapping[str, Any],
        component: Mapping[str, Any],
        container: Mapping[str, Any],
        inputs: dict[str, Any],
    ) -> str:
        folder = self._folder / name
        folder.mkdir(parents=True)
        output_file = folder / "executor_output.json"
        defined = component.get("outputDefinitions", {})
        produced = {
            key: [
                self._store.new(
                    self._uri(name, key), definition["artifactType"], definition.get("metadata", {})
                )
            ]
            for key, definition in defined.get("artifacts", {}).items()
        }
        launcher = self._place.launcher
        driver = container.get("lifecycle", {}).get("preCacheCheck")
        if driver and launcher is None:
            command = [*driver["command"], *driver["args"]]
            self._execute(f"{name}-driver", command, _executor_input(inputs, produced, output_file))
            inputs["parameters"] |= json.loads(output_file.read_text()).get("parameterValues", {})
        key = _cache_key(component, container, inputs)
        if task.get("cachingOptions", {}).get("enableCache") and key in self._store.cache:
            self._outputs[name] = self._store.cached(key)
            return "cached"
        sent = _executor_input(inputs, produced, output_file)
        if launcher:
            launcher.before(inputs["artifacts"], produced)
            sent = launcher.says(sent, defined.get("parameters", {}), self._uri(name, LOGS))
        self._execute(name, [*container["command"], *container["args"]], sent)
        # What only notifies has no output.
        output = json.loads(output_file.read_text()) if output_file.exists() else {}
        self._parameters[name] = output.get("parameterValues", {})
        written = output.get("artifacts", {})
        for key_of_output, artifacts in produced.items():
            rehearsal_store.merge(artifacts[0], written[key_of_output]["artifacts"][0])
            self._store.keep(artifacts[0])
        if launcher:
            launcher.after(produced)
        self._outputs[name] = produced
        self._store.cache[key] = {k: [a["name"] for a in v] for k, v in produced.items()}
        return "ran"

    def _uri(self, task: str, key: str) -> str:
        if self._place.launcher:
            return self._place.launcher.uri(self._folder.name, task, key)
        return str(self._folder / task / key)

    def _execute(self, name: str, command: list[str], executor_input: Any) -> None:
        empty = self._folder / "empty" / name
        empty.mkdir(parents=True)
        log = self._folder / f"{name}.log"
        filled = [json.dumps(executor_input) if part == _INPUT else part for part in command]
        with log.open("w") as output:
            code = subprocess.run(
                filled,
                cwd=empty,
                env=dict(self._place.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            ).returncode
        if code:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-25:])
            raise StepFailedError(f"{name} ended with exit code {code}; {log} ends with\n{last}")


def _executor_input(
    inputs: Mapping[str, Any], outputs: Mapping[str, list[Artifact]], output_file: Path
) -> dict[str, Any]:
    return {
        "inputs": {
            "parameterValues": inputs["parameters"],
            "artifacts": {k: {"artifacts": v} for k, v in inputs["artifacts"].items()},
        },
        "outputs": {
            "artifacts": {k: {"artifacts": v} for k, v in outputs.items()},
            "outputFile": os.fspath(output_file),
        },
    }


def _cache_key(
    component: Mapping[str, Any], container: Mapping[str, Any], inputs: Mapping[str, Any]
) -> str:
    names = {k: [a["name"] for a in v] for k, v in inputs["artifacts"].items()}
    seen = [component, container, inputs["parameters"], names]
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
