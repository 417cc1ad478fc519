"""ReviewedSchema: the schema that a person reviewed becomes the run's schema.

TFX's ImportSchemaGen takes a path, which must exist where the component runs, for example inside a
container; and the cache compares only the path, so that an edited schema goes unnoticed. Here the
text itself is the parameter.
"""

import os

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

# The name that TFX's own components look for.
_FILE = "schema.pbtxt"


@component
def ReviewedSchema(
    schema: OutputArtifact[standard_artifacts.Schema],
    text: Parameter[str],
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Writes `text`, a TFDV schema as text proto, as the `schema` artifact.

    Args:
      schema: Where to write.
      text: The schema.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del code_fingerprint
    fileio.makedirs(schema.uri)
    with fileio.open(os.path.join(schema.uri, _FILE), "w") as f:
        f.write(text)
