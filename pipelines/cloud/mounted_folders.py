"""Checks that a step may write to its mounted volumes."""

import os
import tempfile
from collections.abc import Iterable

from trainer_modules.engine.errors import BadInputError


def check(folders: Iterable[str]) -> None:
    """Writes a file to each folder and removes it again; creates missing folders.

    Raises:
      BadInputError: If the user that the steps run as may not write.
    """
    for folder in folders:
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise BadInputError(_explained(folder, error)) from error


def _explained(folder: str, error: OSError) -> str:
    there = folder
    while not os.path.exists(there):
        there = os.path.dirname(there)
    status = os.stat(there)
    user, group = os.getuid(), os.getgid()
    return (
        f"{folder} cannot be written to ({error.strerror}): {there} belongs to "
        f"{status.st_uid}:{status.st_gid} with mode {status.st_mode & 0o777:o}, and the steps run "
        f"as {user}:{group}. Give the pods the volume's group: in the ConfigMap "
        "workflow-controller-configmap of Kubeflow's namespace, set under data `workflowDefaults: "
        f'"{{spec: {{securityContext: {{fsGroup: {group}}}}}}}"`, and restart the deployment '
        "workflow-controller. A volume without fsGroup support (for example NFS) needs "
        f"`chown -R {user}:{group} {there}` from a pod that runs as root. docs/kubeflow.md shows "
        "both."
    )
