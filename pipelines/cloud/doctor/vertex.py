"""Checks what would stop a first run on Vertex AI, with Google's REST APIs as the user."""

import re
from typing import Any

import google.auth.exceptions

from pipelines.cloud import accelerators
from pipelines.cloud.doctor import (
    accounts as doctor_accounts,
)
from pipelines.cloud.doctor import (
    image as doctor_image,
)
from pipelines.cloud.doctor import (
    quota as doctor_quota,
)
from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN, Check, Finding
from pipelines.cloud.doctor.google import Addresses, Google, bucket, refused, short
from pipelines.cloud.vertex.config import VertexConfig

SERVICES = (
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "storage.googleapis.com",
)
MINE = (
    "aiplatform.pipelineJobs.create",
    "aiplatform.schedules.create",
    "aiplatform.schedules.list",
)


def checks(config: VertexConfig, addresses: Addresses | None = None) -> list[Check]:
    """Returns the checks of this target."""
    google_ = Google(config, addresses or Addresses())

    def check(name: str, look: Any, *arguments: Any) -> Check:
        def careful() -> Finding:
            try:
                return look(google_, *arguments)  # type: ignore[no-any-return]
            except google.auth.exceptions.TransportError as error:
                return Finding(
                    UNKNOWN,
                    f"no response: {short(error)}",
                    "Check the network connection of this machine.",
                )
            except google.auth.exceptions.GoogleAuthError as error:
                if look is _credentials:
                    return Finding(STOPS, short(error), "gcloud auth application-default login")
                return Finding(UNKNOWN, "not checked: there are no credentials")

        return Check(name, careful)

    listed = [
        check("credentials", _credentials),
        check("APIs", _apis),
        check("your rights", _rights),
        check("pipeline root", _root),
        check("service account", doctor_accounts.account),
        check("its rights", doctor_accounts.rights),
        check("data", _data),
    ]
    images = dict.fromkeys(
        image for image in (config.container.image, config.container.training_image) if image
    )
    listed += [check("image", _image, image) for image in images]
    if config.google.network:
        listed.append(check("network", _network))
    if config.accelerator.name != accelerators.CPU:
        listed.append(check("quota", doctor_quota.quota))
    return listed


def _credentials(google_: Google) -> Finding:
    credentials = google_.credentials
    who = getattr(credentials, "service_account_email", None) or "a user"
    return Finding(OK, f"application default credentials of {who}")


def _apis(google_: Google) -> Finding:
    config = google_.config
    wanted = [*SERVICES]
    if "dataflow" in (config.beam.runner, *(entry.partition("=")[2] for entry in config.beam.on)):
        wanted.append("dataflow.googleapis.com")
    parent = f"projects/{config.google.project}"
    code, body = google_.get(
        f"{google_.at.usage}/v1/{parent}/services:batchGet",
        names=[f"{parent}/services/{name}" for name in wanted],
    )
    if code == 404 or (code == 403 and "does not exist" in str(body)):
        return Finding(STOPS, f"there is no project {config.google.project}", "Correct --project.")
    if code != 200:
        return refused(
            "not shown", code, body, f"gcloud services list --project {config.google.project}"
        )
    on = {
        entry["name"].rpartition("/")[2]
        for entry in body.get("services", [])
        if entry.get("state") == "ENABLED"
    }
    off = [name for name in wanted if name not in on]
    if off:
        return Finding(
            STOPS,
            f"not enabled: {', '.join(off)}",
            f"gcloud services enable {' '.join(off)} --project {config.google.project}",
        )
    return Finding(OK, f"enabled: {', '.join(wanted)}")


def _rights(google_: Google) -> Finding:
    config = google_.config
    code, body = google_.post(
        f"{google_.at.projects}/v1/projects/{config.google.project}:testIamPermissions",
        {"permissions": list(MINE)},
    )
    if code != 200:
        return refused(
            "not shown", code, body, f"gcloud projects get-iam-policy {config.google.project}"
        )
    missing = [permission for permission in MINE if permission not in body.get("permissions", [])]
    if missing:
        return Finding(STOPS, f"you may not {', '.join(missing)}", "Request roles/aiplatform.user.")
    return Finding(OK, "you may start runs and schedules")


def _root(google_: Google) -> Finding:
    config = google_.config
    name = bucket(config.storage.pipeline_root or "")
    code, body = google_.get(f"{google_.at.storage}/storage/v1/b/{name}")
    if code == 404:
        return Finding(
            STOPS,
            f"there is no bucket gs://{name}",
            f"gcloud storage buckets create gs://{name} --project {config.google.project} "
            f"--location {config.google.region}",
        )
    if code != 200:
        return refused(
            f"gs://{name} cannot be read",
            code,
            body,
            f"gcloud storage buckets describe gs://{name}",
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
            f"; a lifecycle rule deletes after {min(days)} days: this must be longer than the "
            "longest period without new data, and must exclude serving/"
        )
    if "-" in where and where != config.google.region:
        return Finding(
            UNKNOWN,
            f"{said}, but the run is in {config.google.region}: traffic between them is charged",
            f"Prefer a bucket in {config.google.region}.",
        )
    return Finding(OK, said)


def _data(google_: Google) -> Finding:
    data = google_.config.work.data or ""
    if not data.startswith("gs://"):
        return Finding(
            STOPS, f"{data} is not in gs://", "Upload it, and pass its gs:// address with --data."
        )
    name, _, path = data.removeprefix("gs://").partition("/")
    prefix = path.partition("{")[0]
    code, body = google_.get(
        f"{google_.at.storage}/storage/v1/b/{name}/o", prefix=prefix, maxResults=1
    )
    if code == 404 or (code == 200 and not body.get("items")):
        return Finding(
            STOPS,
            f"there is nothing below gs://{name}/{prefix}",
            f"gcloud storage rsync -r FOLDER gs://{name}/{prefix} (for a task's own data: "
            f"run_kubeflow.py upload --task {google_.config.work.task} --data {data})",
        )
    if code != 200:
        return refused(
            f"gs://{name} cannot be read", code, body, f"gcloud storage ls gs://{name}/{prefix}"
        )
    return Finding(OK, f"there are files below gs://{name}/{prefix}")


def _image(google_: Google, image: str) -> Finding:
    return doctor_image.look(image, str(google_.credentials.token))


def _network(google_: Google) -> Finding:
    network = google_.config.google.network or ""
    if not re.fullmatch(r"projects/\d+/global/networks/[a-z0-9-]+", network):
        return Finding(
            STOPS,
            f"{network} is not the full name of a network with the project's number",
            "projects/NUMBER/global/networks/NAME; the number: gcloud projects describe PROJECT "
            "--format 'value(projectNumber)'",
        )
    code, body = google_.get(
        f"{google_.at.networking}/v1/services/servicenetworking.googleapis.com/connections",
        network=network,
    )
    if code != 200:
        return refused("not shown", code, body, "gcloud services vpc-peerings list --network NAME")
    if not body.get("connections"):
        return Finding(
            STOPS,
            f"{network} is not peered with Google's services",
            "gcloud services vpc-peerings connect --service servicenetworking.googleapis.com "
            "--network NAME --ranges RANGE",
        )
    return Finding(OK, f"{network} is peered with Google's services")
