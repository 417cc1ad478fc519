"""Checks whether runs and schedules may use their service account, and its permissions."""

from collections.abc import Mapping
from typing import Any

from pipelines.cloud.doctor.check import OK, STOPS, UNKNOWN, Finding
from pipelines.cloud.doctor.google import Google, bucket, refused

# Roles whose holders may write and delete objects.
_WRITERS = ("roles/storage.admin", "roles/storage.objectAdmin", "roles/storage.objectUser")
_NEEDED = ("roles/aiplatform.user", "roles/logging.logWriter")


def account(google_: Google) -> Finding:
    """Returns whether the account exists and the user may start runs and schedules as it."""
    config = google_.config
    named = config.container.service_account
    if not named:
        return Finding(
            UNKNOWN,
            "none is named: the steps run as the project's Compute Engine default account",
            "Name one with --service-account; docs/vertex.md shows how to create it.",
        )
    url = f"{google_.at.iam}/v1/projects/-/serviceAccounts/{named}"
    code, body = google_.get(url)
    if code == 404:
        return Finding(
            STOPS,
            f"there is no service account {named}",
            f"gcloud iam service-accounts create {named.partition('@')[0]} "
            f"--project {config.google.project}",
        )
    if body.get("disabled"):
        return Finding(STOPS, f"{named} is disabled", f"gcloud iam service-accounts enable {named}")
    act = "iam.serviceAccounts.actAs"
    code, body = google_.post(f"{url}:testIamPermissions", {"permissions": [act]})
    if code == 200 and act not in body.get("permissions", []):
        return Finding(
            STOPS,
            f"you may not start runs and schedules as {named}",
            f"gcloud iam service-accounts add-iam-policy-binding {named} --member user:YOU "
            "--role roles/iam.serviceAccountUser",
        )
    if code != 200:
        return refused("not shown", code, body, f"gcloud iam service-accounts describe {named}")
    return Finding(OK, f"runs and schedules may run as {named}")


def rights(google_: Google) -> Finding:
    """Reads the policies that should name the account; others' permissions cannot be tested."""
    config = google_.config
    if not config.container.service_account:
        return Finding(UNKNOWN, "no service account is named")
    member = f"serviceAccount:{config.container.service_account}"
    project = f"{google_.at.projects}/v1/projects/{config.google.project}:getIamPolicy"
    code, policy = google_.post(project, {})
    if code != 200:
        return refused(
            "not shown", code, policy, f"gcloud projects get-iam-policy {config.google.project}"
        )
    of_project = _roles(policy, member)
    if {"roles/owner", "roles/editor"} & of_project:
        return Finding(OK, "it may do anything in the project")
    name = bucket(config.storage.pipeline_root or "")
    code, policy = google_.get(f"{google_.at.storage}/storage/v1/b/{name}/iam")
    if code != 200:
        return refused(
            f"the permissions of gs://{name} cannot be read",
            code,
            policy,
            f"gcloud storage buckets get-iam-policy gs://{name}",
        )
    missing = [role for role in _NEEDED if role not in of_project]
    commands = [
        f"gcloud projects add-iam-policy-binding {config.google.project} --member {member} "
        f"--role {role}"
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
            f"it lacks {',  '.join(missing)} (unless a group or a custom role grants them)",
            "; ".join(commands),
        )
    return Finding(OK, f"it may run jobs, write logs, and write to gs://{name}")


def _roles(policy: Mapping[str, Any], member: str) -> set[str]:
    return {
        binding["role"]
        for binding in policy.get("bindings", [])
        if member in binding.get("members", [])
    }
