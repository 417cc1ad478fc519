"""The endpoint: the new version next to the old ones, and the split of the traffic."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from google.cloud import aiplatform_v1 as api
from google.protobuf import field_mask_pb2

from components.vertex.registry import TASK, Version
from components.vertex.service import Service
from components.vertex.settings import Deployment, identifier

# The key of the model that is being deployed in the split of the traffic.
NEW = "0"


def traffic_split(before: Mapping[str, int], new: str, percent: int) -> dict[str, int]:
    """Returns the split of the traffic, in percent, 100 in all.

    Args:
      before: Deployed model's id → its current share.
      new: Id of the new version.
      percent: Share of the new version. The others share the rest in their current proportions;
        without others the new version gets everything.
    """
    others = {name: share for name, share in sorted(before.items()) if name != new and share}
    if not others:
        return {new: 100}
    rest, total = 100 - percent, sum(others.values())
    exact = {name: share * rest / total for name, share in others.items()}
    rounded = {name: int(share) for name, share in exact.items()}
    # The rest after rounding down goes to the largest remainders.
    for name in sorted(exact, key=lambda n: rounded[n] - exact[n])[: rest - sum(rounded.values())]:
        rounded[name] += 1
    return {name: share for name, share in {**rounded, new: percent}.items() if share}


def deploy(service: Service, deployment: Deployment, version: Version) -> str:
    """Deploys a version, and gives it its share of the traffic; returns the endpoint's name.

    A version that is already deployed only has its share changed. Earlier versions of the model
    without traffic are undeployed, except `keep_idle` of them; other models are not changed.

    Raises:
      ServiceError: If the service rejects a request, or several endpoints have the name.
    """
    endpoint = _named(service, deployment) or _create(service, deployment)
    here = _deployed(endpoint, version)
    if here is None:
        _deploy(service, deployment, endpoint, version)
    else:
        _set_traffic(
            service, endpoint, traffic_split(endpoint.traffic_split, here.id, deployment.traffic)
        )
    _undeploy_idle(service, deployment, endpoint.name, version)
    return str(endpoint.name)


def _named(service: Service, deployment: Deployment) -> Any:
    request = api.ListEndpointsRequest(
        parent=deployment.parent, filter=f"display_name={json.dumps(deployment.endpoint)}"
    )
    listed = service.all(service.endpoints.list_endpoints, request)
    matching = [endpoint for endpoint in listed if endpoint.display_name == deployment.endpoint]
    if len(matching) > 1:
        raise service.refuse(
            f"{len(matching)} endpoints are called '{deployment.endpoint}': "
            f"{', '.join(sorted(endpoint.name for endpoint in matching))}. "
            "Rename or delete all but one, or choose another --serving-endpoint."
        )
    return matching[0] if matching else None


def _create(service: Service, deployment: Deployment) -> Any:
    endpoint = api.Endpoint(
        display_name=deployment.endpoint, labels={**deployment.labels, TASK: deployment.task}
    )
    if deployment.encryption_key:
        endpoint.encryption_spec.kms_key_name = deployment.encryption_key
    request = api.CreateEndpointRequest(
        parent=deployment.parent,
        endpoint=endpoint,
        endpoint_id=identifier(deployment.endpoint, "endpoint"),
    )

    def made_before() -> Any:
        service.settle(service.endpoints, f"{deployment.parent}/endpoints/{request.endpoint_id}")
        return _named(service, deployment)

    answer = service.call(service.endpoints.create_endpoint, request, made_before)
    if isinstance(answer, api.Endpoint):
        return answer
    made = service.finish(
        service.endpoints, answer, api.Endpoint, f"Creating the endpoint '{deployment.endpoint}'"
    )
    return _get(service, made.name)


def _get(service: Service, name: str) -> Any:
    return service.call(service.endpoints.get_endpoint, api.GetEndpointRequest(name=name))


def _is_of(deployed: Any, model: str) -> bool:
    """Says whether a deployed model is a version of `model`.

    Names may hold the project's number in place of its id: the last part decides.
    """
    last = deployed.model.partition("@")[0].rpartition("/")[2]
    return bool(last == model.rpartition("/")[2])


def _deployed(endpoint: Any, version: Version) -> Any:
    for deployed in endpoint.deployed_models:
        if _is_of(deployed, version.model) and deployed.model_version_id == version.number:
            return deployed
    return None


def _deploy(service: Service, deployment: Deployment, endpoint: Any, version: Version) -> None:
    machine: dict[str, Any] = {"machine_type": deployment.machine}
    if deployment.accelerator:
        machine |= {
            "accelerator_type": deployment.accelerator,
            "accelerator_count": deployment.accelerator_count,
        }
    request = api.DeployModelRequest(
        endpoint=endpoint.name,
        deployed_model=api.DeployedModel(
            # A deterministic id: the same version is never deployed twice.
            id=str(10**9 + zlib.crc32(version.name.encode()) % (9 * 10**9)),
            model=version.name,
            display_name=f"{deployment.model}@{version.number}",
            dedicated_resources=api.DedicatedResources(
                machine_spec=api.MachineSpec(machine),
                min_replica_count=deployment.min_replicas,
                max_replica_count=deployment.max_replicas,
            ),
            service_account=deployment.service_account,
        ),
        traffic_split=traffic_split(endpoint.traffic_split, NEW, deployment.traffic),
    )

    def deployed_before() -> Any:
        service.settle(service.endpoints, endpoint.name)
        return _deployed(_get(service, endpoint.name), version)

    answer = service.call(service.endpoints.deploy_model, request, deployed_before)
    if not isinstance(answer, api.DeployedModel):
        what = f"Deploying {version.name} to '{deployment.endpoint}'"
        service.finish(service.endpoints, answer, api.DeployModelResponse, what)


def _set_traffic(service: Service, endpoint: Any, split: dict[str, int]) -> None:
    if split == {name: share for name, share in endpoint.traffic_split.items() if share}:
        return
    request = api.UpdateEndpointRequest(
        endpoint=api.Endpoint(name=endpoint.name, traffic_split=split),
        update_mask=field_mask_pb2.FieldMask(paths=["traffic_split"]),
    )
    service.call(service.endpoints.update_endpoint, request)


def _undeploy_idle(service: Service, deployment: Deployment, name: str, version: Version) -> None:
    endpoint = _get(service, name)
    idle = [
        deployed
        for deployed in endpoint.deployed_models
        if _is_of(deployed, version.model)
        and deployed.model_version_id != version.number
        and not endpoint.traffic_split.get(deployed.id)
    ]
    idle.sort(key=lambda one: one.create_time.timestamp() if one.create_time else 0, reverse=True)
    for deployed in idle[deployment.keep_idle :]:
        _undeploy(service, name, deployed.id)


def _undeploy(service: Service, name: str, identifier: str) -> None:
    def undeployed_before() -> Any:
        service.settle(service.endpoints, name)
        endpoint = _get(service, name)
        return (
            None
            if identifier in {deployed.id for deployed in endpoint.deployed_models}
            else endpoint
        )

    request = api.UndeployModelRequest(endpoint=name, deployed_model_id=identifier)
    answer = service.call(service.endpoints.undeploy_model, request, undeployed_before)
    if not isinstance(answer, api.Endpoint):
        what = f"Undeploying {identifier} from {name}"
        service.finish(service.endpoints, answer, api.UndeployModelResponse, what)
