"""What Report emits: the folder of a run's report, and the page as the platforms show it."""

from typing import Any

from tfx.types.artifact import Artifact

# The schema title under which Vertex AI and Kubeflow Pipelines show an artifact as a page.
SYSTEM_HTML = "system.HTML"


class RunReport(Artifact):
    """A folder with `index.html`, `samples.png` (where there are images), `MODEL_CARD.md`."""

    TYPE_NAME = "components.RunReport"


class HtmlPage(Artifact):
    """One self-contained HTML file; on Vertex AI and Kubeflow its URI is the file itself."""

    TYPE_NAME = "components.HtmlPage"


def as_system_html(compiled: Any) -> Any:
    """Returns a compiled job, as JSON, in which `HtmlPage` has the title that platforms show.

    TFX can only name its own types and Python classes there. The container that runs the job has
    to call `register_system_html` before TFX reads its arguments.

    Args:
      compiled: The pipeline spec as dicts, lists and strings; it is not changed.
    """
    if isinstance(compiled, dict):
        if HtmlPage.TYPE_NAME in str(compiled.get("instanceSchema", "")):
            return {"schemaTitle": SYSTEM_HTML, "schemaVersion": "0.0.1"}
        return {key: as_system_html(value) for key, value in compiled.items()}
    if isinstance(compiled, list):
        return [as_system_html(value) for value in compiled]
    return compiled


def register_system_html() -> None:
    """Tells TFX's Kubeflow entrypoint which class stands for `system.HTML`."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    compiler_utils.TITLE_TO_CLASS_PATH[SYSTEM_HTML] = HtmlPage.TYPE_NAME
