"""What will stop a first run on Vertex AI: asked of Google's REST APIs, as the user."""

import dataclasses
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import google.auth
import google.auth.exceptions
import requests
from google.auth.transport.requests import AuthorizedSession, Request

from pipelines import accelerators, doctor_image
from pipelines.cloud_config import CloudConfig
from pipelines.doctor import OK, STOPS, TIMEOUT, UNKNOWN, Check, Finding

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SERVICES = (
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "storage.googleapis.com",
)
_MINE = (
    "aiplatform.pipelineJobs.create",
    "aiplatform.schedules.create",
    "aiplatform.schedules.list",
)
# Roles whose holders may write and delete objects.
_WRITERS = ("roles/storage.admin", "roles/storage.objectAdmin", "roles/storage.objectUser")
_NEEDED = ("roles/aiplatform.user", "roles/logging.logWriter")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where Google's APIs are; tests name a server of their own."""

    usage: str = "https://serviceusage.googleapis.com"
    projects: str = "https://cloudresourcemanager.googleapis.com"
    iam: str = "https://iam.googleapis.com"
    storage: str = "https://storage.googleapis.com"
    networking: str = "https://servicenetworking.googleapis.com"

    @classmethod
    def at(cls, address: str) -> "Addresses":
        """Returns one address for all."""
        return cls(**{field.name: address for field in dataclasses.fields(cls)})


class Google:
    """The user's own session."""

    def __init__(self, config: CloudConfig, addresses: Addresses) -> None:
        self.config, self.at = config, addresses

    @functools.cached_property
    def credentials(self) -> Any:
        """The user's credentials, refreshed.

        Raises:
          google.auth.exceptions.GoogleAuthError: If there are none, or they are stale.
        """
        found, _ = google.auth.default(scopes=[_SCOPE], quota_project_id=self.config.project)
        found.refresh(Request())
        return found

    def get(self, url: str, **params: Any) -> tuple[int, dict[str, Any]]:
        """Returns status and content."""
        return _plain(AuthorizedSession(self.credentials).get(url, params=params, timeout=TIMEOUT))

    def post(self, url: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Returns status and content."""
        session = AuthorizedSession(self.credentials)
        return _plain(session.post(url, json=dict(body), timeout=TIMEOUT))


def _plain(answer: requests.Response) -> tuple[int, dict[str, Any]]:
    try:
        return answer.status_code, dict(answer.json())
    except ValueError:
        return answer.status_code, {}


def checks(config: CloudConfig, addresses: Addresses | None = None) -> list[Check]:
    """Returns the checks of this target."""
    google_ = Google(config, addresses or Addresses())

    def check(name: str, look: Any, *arguments: Any) -> Check:
        def careful() -> Finding:
            try:
                return look(google_, *arguments)  # type: ignore[no-any-return]
            except google.auth.exceptions.TransportError as error:
                return Finding(UNKNOWN, f"no answer: {_short(error)}", "Is there a network here?")
            except google.auth.exceptions.GoogleAuthError as error:
                return Finding(STOPS, _short(error), "gcloud auth application-default login")

        return Check(name, careful)

    found = [
        check("credentials", _credentials),
        check("APIs", _apis),
        check("your rights", _rights),
        check("pipeline root", _root),
        check("service account", _account),
        check("its rights", _account_rights),
        check("data", _data),
    ]
    images = dict.fromkeys(one for one in (config.image, config.training_image) if one)
    found += [check("image", _image, one) for one in images]
    if config.network:
        found.append(check("network", _network))
    if config.accelerator != accelerators.CPU:
        found.append(check("quota", _quota))
    return found


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _credentials(google_: Google) -> Finding:
    credentials = google_.credentials
    who = getattr(credentials, "service_account_email", None) or "a user"
    return Finding(OK, f"application default credentials of {who}")


def _refused(what: str, code: int, body: Mapping[str, Any], who_can: str) -> Finding:
    """Returns that something is not shown to the user."""
    said = _short(Exception(body.get("error", {}).get("message", "")))
    return Finding(UNKNOWN, f"{what}: {code} {said}".rstrip(), who_can)


def _apis(google_: Google) -> Finding:
    config = google_.config
    wanted = [*_SERVICES]
    if "dataflow" in (config.beam_runner, *(one.partition("=")[2] for one in config.beam_on)):
        wanted.append("dataflow.googleapis.com")
    parent = f"projects/{config.project}"
    code, body = google_.get(
        f"{google_.at.usage}/v1/{parent}/services:batchGet",
        names=[f"{parent}/services/{name}" for name in wanted],
    )
    if code == 404 or (code == 403 and "does not exist" in str(body)):
        return Finding(STOPS, f"there is no project {config.project}", "Correct --project.")
    if code != 200:
        return _refused("not shown", code, body, f"gcloud services list --project {config.project}")
    on = {
        one["name"].rpartition("/")[2]
        for one in body.get("services", [])
        if one.get("state") == "ENABLED"
    }
    off = [name for name in wanted if name not in on]
    if off:
        return Finding(
            STOPS,
            f"not enabled: {', '.join(off)}",
            f"gcloud services enable {' '.join(off)} --project {config.project}",
        )
    return Finding(OK, f"enabled: {', '.join(wanted)}")


def _rights(google_: Google) -> Finding:
    config = google_.config
    code, body = google_.post(
        f"{google_.at.projects}/v1/projects/{config.project}:testIamPermissions",
        {"permissions": list(_MINE)},
    )
    if code != 200:
        return _refused("not shown", code, body, f"gcloud projects get-iam-policy {config.project}")
    missing = [one for one in _MINE if one not in body.get("permissions", [])]
    if missing:
        return Finding(STOPS, f"you may not {', '.join(missing)}", "Ask for roles/aiplatform.user.")
    return Finding(OK, "you may start runs and schedules")


def _bucket(path: str) -> str:
    return path.removeprefix("gs://").partition("/")[0]


def _root(google_: Google) -> Finding:
    config = google_.config
    name = _bucket(config.pipeline_root or "")
    code, body = google_.get(f"{google_.at.storage}/storage/v1/b/{name}")
    if code == 404:
        return Finding(
            STOPS,
            f"there is no bucket gs://{name}",
            f"gcloud storage buckets create gs://{name} --project {config.project} "
            f"--location {config.region}",
        )
    if code != 200:
        return _refused(
            f"gs://{name} is not shown", code, body, f"gcloud storage buckets describe gs://{name}"
        )
    where = str(body.get("location", "")).lower()
    days = [
        rule["condition"]["age"]
        for rule in body.get("lifecycle", {}).get("rule", [])
        if rule.get("action", {}).get("type") == "Delete" and "age" in rule.get("condition", {})
    ]
    said = f"gs://{name} is in {where}"
    if days:
        said += (
            f"; a lifecycle rule deletes after {min(days)} days: keep more than the longest time "
            "without new data, and exclude serving/"
        )
    if "-" in where and where != config.region:
        return Finding(
            UNKNOWN,
            f"{said}, the run in {config.region}: every byte between them is paid for",
            f"Best is a bucket in {config.region}.",
        )
    return Finding(OK, said)


def _account(google_: Google) -> Finding:
    config = google_.config
    account = config.service_account
    if not account:
        return Finding(
            UNKNOWN,
            "none is named: the project's Compute Engine default account runs the steps",
            "Name one with --service-account; docs/vertex.md makes it.",
        )
    url = f"{google_.at.iam}/v1/projects/-/serviceAccounts/{account}"
    code, body = google_.get(url)
    if code == 404:
        return Finding(
            STOPS,
            f"there is no account {account}",
            f"gcloud iam service-accounts create {account.partition('@')[0]} "
            f"--project {config.project}",
        )
    if body.get("disabled"):
        return Finding(
            STOPS, f"{account} is disabled", f"gcloud iam service-accounts enable {account}"
        )
    act = "iam.serviceAccounts.actAs"
    code, body = google_.post(f"{url}:testIamPermissions", {"permissions": [act]})
    if code == 200 and act not in body.get("permissions", []):
        return Finding(
            STOPS,
            f"you may not start runs and schedules as {account}",
            f"gcloud iam service-accounts add-iam-policy-binding {account} --member user:YOU "
            "--role roles/iam.serviceAccountUser",
        )
    if code != 200:
        return _refused("not shown", code, body, f"gcloud iam service-accounts describe {account}")
    return Finding(OK, f"runs and schedules may run as {account}")


def _account_rights(google_: Google) -> Finding:
    """Reads the policies that should name the account: nobody can test another's rights."""
    config = google_.config
    if not config.service_account:
        return Finding(UNKNOWN, "no service account is named")
    member = f"serviceAccount:{config.service_account}"
    project = f"{google_.at.projects}/v1/projects/{config.project}:getIamPolicy"
    code, policy = google_.post(project, {})
    if code != 200:
        return _refused(
            "not shown", code, policy, f"gcloud projects get-iam-policy {config.project}"
        )
    of_project = _roles(policy, member)
    if {"roles/owner", "roles/editor"} & of_project:
        return Finding(OK, "it may do everything in the project")
    name = _bucket(config.pipeline_root or "")
    code, policy = google_.get(f"{google_.at.storage}/storage/v1/b/{name}/iam")
    if code != 200:
        return _refused(
            f"who may write to gs://{name} is not shown",
            code,
            policy,
            f"gcloud storage buckets get-iam-policy gs://{name}",
        )
    missing = [role for role in _NEEDED if role not in of_project]
    commands = [
        f"gcloud projects add-iam-policy-binding {config.project} --member {member} --role {role}"
        for role in missing
    ]
    if not set(_WRITERS) & (of_project | _roles(policy, member)):
        missing.append("roles/storage.objectAdmin")
        commands.append(
            f"gcloud storage buckets add-iam-policy-binding gs://{name} --member {member} "
            "--role roles/storage.objectAdmin"
        )
    if missing:
        return Finding(
            STOPS,
            f"it has not {', '.join(missing)} (unless by a group or a role of your own)",
            "; ".join(commands),
        )
    return Finding(OK, f"it may run jobs, write logs, and write to gs://{name}")


def _roles(policy: Mapping[str, Any], member: str) -> set[str]:
    return {
        binding["role"]
        for binding in policy.get("bindings", [])
        if member in binding.get("members", [])
    }


def _data(google_: Google) -> Finding:
    data = google_.config.data or ""
    if not data.startswith("gs://"):
        return Finding(STOPS, f"{data} is not in gs://", "Upload it and name gs://… with --data.")
    name, _, path = data.removeprefix("gs://").partition("/")
    prefix = path.partition("{")[0]
    code, body = google_.get(
        f"{google_.at.storage}/storage/v1/b/{name}/o", prefix=prefix, maxResults=1
    )
    if code == 404 or (code == 200 and not body.get("items")):
        return Finding(
            STOPS,
            f"there is nothing below gs://{name}/{prefix}",
            f"gcloud storage rsync -r FOLDER gs://{name}/{prefix} (what a task brings along: "
            f"run_kubeflow.py upload --task {google_.config.task} --data {data})",
        )
    if code != 200:
        return _refused(
            f"gs://{name} is not shown", code, body, f"gcloud storage ls gs://{name}/{prefix}"
        )
    return Finding(OK, f"there are files below gs://{name}/{prefix}")


def _image(google_: Google, image: str) -> Finding:
    return doctor_image.look(image, str(google_.credentials.token))


def _network(google_: Google) -> Finding:
    network = google_.config.network or ""
    if not re.fullmatch(r"projects/\d+/global/networks/[a-z0-9-]+", network):
        return Finding(
            STOPS,
            f"{network} is no network's full name with the project's number",
            "projects/NUMBER/global/networks/NAME; the number: gcloud projects describe PROJECT "
            "--format 'value(projectNumber)'",
        )
    code, body = google_.get(
        f"{google_.at.networking}/v1/services/servicenetworking.googleapis.com/connections",
        network=network,
    )
    if code != 200:
        return _refused("not shown", code, body, "gcloud services vpc-peerings list --network NAME")
    if not body.get("connections"):
        return Finding(
            STOPS,
            f"{network} is not peered with Google's services",
            "gcloud services vpc-peerings connect --service servicenetworking.googleapis.com "
            "--network NAME --ranges RANGE",
        )
    return Finding(OK, f"{network} is peered with Google's services")


def _quota(google_: Google) -> Finding:
    """Compares the region's quota for training on the accelerator with what one machine has."""
    config = google_.config
    accelerator = accelerators.find(config.accelerator, config.target)
    wanted = _metric_parts(accelerator, spot=config.spot)
    look = f"IAM & Admin > Quotas, 'Custom model training', region {config.region}"
    url = (
        f"{google_.at.usage}/v1beta1/projects/{config.project}/services/aiplatform.googleapis.com"
        "/consumerQuotaMetrics"
    )
    metrics: list[dict[str, Any]] = []
    page = ""
    while True:
        code, body = google_.get(url, pageSize=500, pageToken=page)
        if code != 200:
            return _refused("not shown", code, body, look)
        metrics += body.get("metrics", [])
        page = body.get("nextPageToken", "")
        if not page:
            break
    found = [one for one in metrics if _is_of(one["metric"], wanted, spot=config.spot)]
    if not found:
        return Finding(UNKNOWN, f"no quota is called after {' '.join(wanted)}", look)
    needed = accelerator.count or accelerator.chips
    (metric, *_) = found
    granted = _granted(metric, config.region or "")
    said = f"{metric['metric'].rpartition('/')[2]} in {config.region} is {granted}"
    if 0 <= granted < needed:
        return Finding(STOPS, f"{said}, {config.accelerator} takes {needed}", f"Ask at {look}.")
    return Finding(OK, f"{said if granted >= 0 else said.replace('-1', 'unlimited')}")


def _metric_parts(accelerator: accelerators.Accelerator, *, spot: bool) -> list[str]:
    chip = accelerator.name.partition(":")[0].replace("-", "_")
    if accelerator.device == "tpu":
        chip = "_".join(chip.split("_")[:2])
    return ["custom_model_training", *(["preemptible"] if spot else []), chip]


def _is_of(metric: str, parts: list[str], *, spot: bool) -> bool:
    name = metric.rpartition("/")[2]
    if not spot and "preemptible" in name:
        return False
    # nvidia_a100 is not nvidia_a100_80gb.
    chip = parts[-1]
    exact = re.search(rf"{re.escape(chip)}(?!\w*80gb)" if "80gb" not in chip else chip, name)
    return bool(exact) and all(part in name for part in parts)


def _granted(metric: Mapping[str, Any], region: str) -> int:
    """Returns the limit of a region: its own bucket, or the one of all regions; -1 for no limit."""
    buckets = [
        bucket
        for limit in metric.get("consumerQuotaLimits", [])
        for bucket in limit.get("quotaBuckets", [])
    ]
    own = [b for b in buckets if b.get("dimensions", {}).get("region") == region]
    general = [b for b in buckets if not b.get("dimensions")]
    return min((int(b.get("effectiveLimit", 0)) for b in own or general), default=0)
