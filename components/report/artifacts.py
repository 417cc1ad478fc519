"""Report's artifacts: the folder of a run's report, and the page as the platforms show it."""

from typing import Any

from tfx.types.artifact import Artifact

# The schema titles under which Vertex AI and Kubeflow Pipelines show an artifact.
_SHOWN_AS = {
    "components.HtmlPage": "system.HTML",
    "components.MarkdownPage": "system.Markdown",
    "components.ShownMetrics": "system.Metrics",
    "components.ShownConfusion": "system.ClassificationMetrics",
}


class RunReport(Artifact):
    """A folder with `index.html`, `samples.png` (where there are images), `MODEL_CARD.md`."""

    TYPE_NAME = "components.RunReport"


class HtmlPage(Artifact):
    """One self-contained HTML file; on Vertex AI and Kubeflow its URI is the file itself."""

    TYPE_NAME = "components.HtmlPage"


class MarkdownPage(Artifact):
    """One Markdown file; on Vertex AI and Kubeflow its URI is the file itself."""

    TYPE_NAME = "components.MarkdownPage"


def as_shown_by_platforms(compiled: Any) -> Any:
    """Returns a compiled job, as JSON, in which the pages have the types that platforms show.

    TFX supports only its own types and Python classes there. The container of such a job must call
    `register_shown_types` before TFX reads its arguments.

    Args:
      compiled: The pipeline spec as dicts, lists and strings; it is not changed.
    """
    if isinstance(compiled, dict):
        schema = str(compiled.get("instanceSchema", ""))
        for name, title in _SHOWN_AS.items():
            if f"title: {name}\n" in schema:
                return {"schemaTitle": title, "schemaVersion": "0.0.1"}
        return {key: as_shown_by_platforms(value) for key, value in compiled.items()}
    if isinstance(compiled, list):
        return [as_shown_by_platforms(value) for value in compiled]
    return compiled


def register_shown_types() -> None:
    """Registers the classes of the platforms' own types in TFX's Kubeflow entrypoint."""
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    for name, title in _SHOWN_AS.items():
        compiler_utils.TITLE_TO_CLASS_PATH[title] = name
