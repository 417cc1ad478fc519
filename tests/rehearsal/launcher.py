"""The artifact handling of open-source Kubeflow's launcher, for a rehearsal with an S3 client.

Its rules, among them the local paths, are those of kubeflow/pipelines,
`backend/src/v2/component/launcher_v2.go` (LocalPathForURI, downloadArtifacts,
uploadOutputArtifacts) and `backend/src/v2/objectstore/object_store.go`.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.rehearsal.jobs import LOGS, Artifacts

_LOCAL = {"s3": "/s3", "minio": "/minio"}


class ObjectStoreLauncher:
    """Artifacts in a bucket: fetched to a local path before a step, stored after it.

    See `tests.rehearsal.jobs.Launcher`.
    """

    def __init__(self, client: Any, root: str, local: str | None = None) -> None:
        """Makes the launcher.

        Args:
          client: What `boto3.client("s3")` returns.
          root: The pipeline root, `minio://BUCKET/…` or `s3://BUCKET/…`.
          local: Folder of local copies, instead of `/minio` or `/s3`.
        """
        scheme, _, path = root.partition("://")
        self._client, self._root, self._scheme = client, root.rstrip("/"), f"{scheme}://"
        self._bucket = path.partition("/")[0]
        self.scratch = Path(local or _LOCAL[scheme]) / self._bucket

    def uri(self, run: str, task: str, key: str) -> str:
        """Returns the location of a step's output."""
        return f"{self._root}/{run}/{task}/{key}"

    def before(self, inputs: Artifacts, outputs: Artifacts) -> None:
        """Fetches the first artifact of each input, and creates the folders of outputs."""
        # Each step is a separate pod: files of other steps are not available.
        shutil.rmtree(self.scratch, ignore_errors=True)
        for found in inputs.values():
            self._download(self._key(found[0]["uri"]))
        for made in outputs.values():
            (self.scratch / self._key(made[0]["uri"])).parent.mkdir(parents=True, exist_ok=True)

    def after(self, outputs: Artifacts) -> None:
        """Stores outputs: a file, or every file below a folder; an empty folder is not stored."""
        for made in outputs.values():
            key = self._key(made[0]["uri"])
            local = self.scratch / key
            files = [local] if local.is_file() else [f for f in local.rglob("*") if f.is_file()]
            for file in files:
                stored = os.path.normpath(os.path.join(key, file.relative_to(local)))
                self._client.upload_file(os.fspath(file), self._bucket, stored)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def says(
        self, executor_input: dict[str, Any], parameters: Mapping[str, Any], logs: str
    ) -> dict[str, Any]:
        """Returns Kubeflow's driver's version of a complete `ExecutorInput`.

        As recorded from Kubeflow Pipelines 2.14.3 (`pipelines/cloud/recorded`): inputs without
        their type, outputs without a name, and one output more.

        Args:
          executor_input: In JSON form, complete.
          parameters: The step's output parameters.
          logs: Location of the output `executor-logs`.
        """
        given, made = executor_input["inputs"], executor_input["outputs"]
        inputs = {
            key: {
                "artifacts": [{**one, "type": {"instanceSchema": ""}} for one in found["artifacts"]]
            }
            for key, found in given["artifacts"].items()
        }
        outputs = {
            key: {
                "artifacts": [{"type": one["type"], "uri": one["uri"]} for one in new["artifacts"]]
            }
            for key, new in made["artifacts"].items()
        }
        outputs[LOGS] = {"artifacts": [{"type": {"schemaTitle": "system.Artifact"}, "uri": logs}]}
        said = {**made, "artifacts": outputs}
        if parameters:
            said["parameters"] = {
                key: {"outputFile": f"/tmp/kfp/outputs/{key}"} for key in parameters
            }
        return {"inputs": {**given, "artifacts": inputs}, "outputs": said}

    def _download(self, key: str) -> None:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=key):
            for one in page.get("Contents", []):
                if one["Key"] != key and not one["Key"].startswith(f"{key}/"):
                    continue
                local = self.scratch / one["Key"]
                local.parent.mkdir(parents=True, exist_ok=True)
                self._client.download_file(self._bucket, one["Key"], os.fspath(local))

    def _key(self, uri: str) -> str:
        return uri.removeprefix(f"{self._scheme}{self._bucket}/")
