"""What only Kubeflow adds to a job."""

import pytest
import yaml

from pipelines.cloud import container
from tests.pipelines.cloud.compiled_jobs import KUBEFLOW, compile_job, container_of, text_of

pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_kubeflow_gets_one_document_that_its_schema_reads() -> None:
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    (spec,) = yaml.safe_load_all(text_of(compile_job(**KUBEFLOW), "kubeflow"))
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    assert parsed.schema_version == "2.1.0"
    assert parsed.pipeline_info.name == "digits"


@pytest.mark.usefixtures("tfx_ready")
def test_the_first_step_tries_the_volumes() -> None:
    arguments = container_of(compile_job(**KUBEFLOW), "DataFingerprint")["args"]
    tried = [arguments[i + 1] for i, one in enumerate(arguments) if one == "--writable"]
    assert tried == ["/mnt/serving/digits", "/mnt/serving-training/digits"]
    args, beam = container.parse(["--json_serialized_invocation_args", "{}", *arguments[-4:]])
    assert args.writable == tried and beam == []
