"""The Model Registry: exactly one version for each pushed version."""

import json
from dataclasses import dataclass
from typing import Any

from google.cloud import aiplatform_v1 as api

from components.vertex.service import Service
from components.vertex.settings import PORT, Deployment, identifier

TASK, VERSION, RUN = "task", "pushed-version", "run"


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """Pusher's result: folder of the SavedModel, its version, and the run; "" if unknown."""

    folder: str
    version: str
    run: str = ""


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version in the registry: the model's resource name without it, and its number there."""

    model: str
    number: str

    @property
    def name(self) -> str:
        """The resource name of this version alone."""
        return f"{self.model}@{self.number}"


def register(service: Service, deployment: Deployment, pushed: Pushed) -> tuple[Version, bool]:
    """Returns the pushed model's version in the registry, and whether it is new there.

    A version is identified by its label `pushed-version`, so that a repetition changes nothing.

    Raises:
      ServiceError: If the service rejects a request, several models have the name, or it belongs to
        another task.
    """
    model = _named(service, deployment)
    if model:
        # An upload started by an interrupted attempt is visible only once it has finished.
        service.settle(service.models, model)
    version = _version(service, model, deployment, pushed) if model else None
    if version:
        return version, False
    request = api.UploadModelRequest(
        parent=deployment.parent,
        model=described(deployment, pushed),
        service_account=deployment.service_account,
    )
    if model:
        request.parent_model = model
    else:
        request.model_id = identifier(deployment.model, "model")

    def uploaded_before() -> Version | None:
        name = model or f"{deployment.parent}/models/{request.model_id}"
        service.settle(service.models, name)
        version = model or _named(service, deployment)
        return _version(service, version, deployment, pushed) if version else None

    answer = service.call(service.models.upload_model, request, uploaded_before)
    if isinstance(answer, Version):
        return answer, True
    done = service.finish(
        service.models,
        answer,
        api.UploadModelResponse,
        f"Registering {pushed.folder} as '{deployment.model}'",
    )
    return Version(model=done.model.partition("@")[0], number=done.model_version_id), True


def is_default(deployment: Deployment) -> bool:
    """Says whether requests for the model without a version are to get this one."""
    return not deployment.endpoint or deployment.traffic == 100


def make_default(service: Service, version: Version) -> None:
    """Moves the alias `default` to a version; nothing changes if it has it already.

    Raises:
      ServiceError: If the service rejects the request.
    """
    request = api.MergeVersionAliasesRequest(name=version.name, version_aliases=["default"])
    service.call(service.models.merge_version_aliases, request)


def described(deployment: Deployment, pushed: Pushed) -> api.Model:
    """Returns the version to be registered."""
    labels = {**deployment.labels, TASK: deployment.task, VERSION: pushed.version}
    if pushed.run:
        labels[RUN] = pushed.run
    everybody = is_default(deployment)
    model = api.Model(
        display_name=deployment.model,
        version_aliases=[*(["default"] if everybody else []), f"v{pushed.version}"],
        version_description=f"{deployment.task}, pushed to {pushed.folder}",
        artifact_uri=pushed.folder,
        container_spec=container(deployment),
        labels=labels,
    )
    if deployment.encryption_key:
        model.encryption_spec.kms_key_name = deployment.encryption_key
    return model


def container(deployment: Deployment) -> api.ModelContainerSpec:
    """Returns the container's settings: the project's own server, or a prebuilt image."""
    if deployment.prebuilt:
        return api.ModelContainerSpec(image_uri=deployment.image)
    route = f"/v1/models/{deployment.task}"
    return api.ModelContainerSpec(
        image_uri=deployment.image,
        command=["python", "-m", "pipelines.serve"],
        # A deployed version never changes, so polling can be infrequent.
        args=["--task", deployment.task, "--poll", "3600"],
        ports=[api.Port(container_port=PORT)],
        predict_route=f"{route}:predict",
        health_route=route,
    )


def _named(service: Service, deployment: Deployment) -> str:
    """Returns the resource name of the model that has the display name; "" for none."""
    request = api.ListModelsRequest(
        parent=deployment.parent, filter=f"display_name={json.dumps(deployment.model)}"
    )
    listed = service.all(service.models.list_models, request)
    # The service's filter is not trusted to be exact; a name may carry the default version.
    names = {m.name.partition("@")[0] for m in listed if m.display_name == deployment.model}
    if len(names) > 1:
        raise service.refuse(
            f"{len(names)} models are called '{deployment.model}': {', '.join(sorted(names))}. "
            "Rename or delete all but one, or choose another --model-registry."
        )
    return next(iter(names), "")


def _version(
    service: Service, model: str, deployment: Deployment, pushed: Pushed
) -> Version | None:
    request = api.ListModelVersionsRequest(name=model)
    listed: list[Any] = service.all(service.models.list_model_versions, request)
    others = {entry.labels.get(TASK, deployment.task) for entry in listed} - {deployment.task}
    if others:
        raise service.refuse(
            f"the model '{deployment.model}' belongs to {', '.join(sorted(others))}, and "
            f"'{deployment.task}' would replace it. Choose another --model-registry."
        )
    for entry in listed:
        if entry.labels.get(VERSION) == pushed.version:
            return Version(model=model, number=entry.version_id)
    return None
