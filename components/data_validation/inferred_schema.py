"""InferredSchema: the schema of a task that has no reviewed one, from the training split."""

import logging
import os
from typing import Any

from google.protobuf import text_format
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts

from components.example_gen.readers.items import TRAIN

# The name that TFX's own components look for.
FILE = "schema.pbtxt"


def infer(statistics: Any, known: Any) -> Any:
    """Returns the schema that TFDV infers from statistics.

    Values stay open: which of them a format, an id or a column may have is for a person to decide.
    TFDV would close each list with those that this split happens to have, and takes a column of 1s
    for true and false.

    Args:
      statistics: `DatasetFeatureStatisticsList` of one split.
      known: What is known before, an incomplete `Schema`: its features keep their domains.
    """
    import tensorflow_data_validation as tfdv

    schema = tfdv.infer_schema(statistics, infer_feature_shape=True)
    del schema.string_domain[:]
    schema.string_domain.extend(known.string_domain)
    by_name = {feature.name: feature for feature in known.feature}
    for feature in schema.feature:
        if inferred := feature.WhichOneof("domain_info"):
            feature.ClearField(inferred)
        told = by_name.get(feature.name)
        if told is None:
            continue
        if told.HasField("image_domain"):
            feature.image_domain.CopyFrom(told.image_domain)
        if told.HasField("domain"):
            feature.domain = told.domain
    return schema


@component
def InferredSchema(
    statistics: InputArtifact[standard_artifacts.ExampleStatistics],
    schema: OutputArtifact[standard_artifacts.Schema],
    known: Parameter[str] = "",
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Writes the schema of the training split as the `schema` artifact.

    Args:
      statistics: Of the data; without a training split, the first split's are taken.
      schema: Where to write.
      known: What the task says about its features, a schema in text form.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del code_fingerprint
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2

    splits = artifact_utils.decode_split_names(statistics.split_names)
    split = TRAIN if TRAIN in splits else splits[0]
    folder = artifact_utils.get_split_uri([statistics], split)
    inferred = infer(
        tfdv.load_stats_binary(os.path.join(folder, "FeatureStats.pb")),
        text_format.Parse(known, schema_pb2.Schema()),
    )
    fileio.makedirs(schema.uri)
    path = os.path.join(schema.uri, FILE)
    with fileio.open(path, "w") as f:
        f.write(text_format.MessageToString(inferred))
    logging.info("inferred from split '%s', for review: %s", split, path)
