"""A step's container command with Vertex AI's JobService replaced: its CustomJob runs here at once.

python job_service.py … as pipelines.cloud.container takes it; CUSTOM_JOBS names a file for the jobs
"""

import os
import re
import subprocess
import sys

# Only what is installed may be found, as in the container.
del sys.path[0]

from google.cloud import aiplatform_v1  # noqa: E402
from tfx.extensions.google_cloud_ai_platform import training_clients  # noqa: E402

from pipelines.cloud import container  # noqa: E402


class JobService:
    """Does what a job says: the command, in the environment, with Vertex AI's own variables."""

    def __init__(self, client_options: dict[str, str]) -> None:
        assert client_options["api_endpoint"].endswith("-aiplatform.googleapis.com")

    def create_custom_job(self, parent: str, custom_job: dict) -> aiplatform_v1.CustomJob:
        job = aiplatform_v1.CustomJob(custom_job)
        with open(os.environ["CUSTOM_JOBS"], "a") as f:
            f.write(aiplatform_v1.CustomJob.to_json(job, indent=None) + "\n")
        spec = job.job_spec
        (pool,) = spec.worker_pool_specs
        # The one thing that this machine cannot give: the GPU that the task asks for.
        command = [
            re.sub(r'(accelerator\\*": \\*")gpu', r"\1auto", part)
            for part in pool.container_spec.command
        ]
        variables = {one.name: one.value for one in pool.container_spec.env}
        folder = f"{spec.base_output_directory.output_uri_prefix}/checkpoints"
        subprocess.run(
            command, check=True, env=os.environ | variables | {"AIP_CHECKPOINT_DIR": folder}
        )
        return aiplatform_v1.CustomJob(name=f"{parent}/customJobs/1")

    def list_custom_jobs(self, request: dict[str, str]) -> list[aiplatform_v1.CustomJob]:
        assert request["filter"] == 'labels.pipeline-run="run-1"'
        return []

    def get_custom_job(self, name: str, retry: object) -> aiplatform_v1.CustomJob:
        del retry
        return aiplatform_v1.CustomJob(name=name, state=aiplatform_v1.JobState.JOB_STATE_SUCCEEDED)


if __name__ == "__main__":
    training_clients.gapic.JobServiceClient = JobService
    sys.exit(container.main())
