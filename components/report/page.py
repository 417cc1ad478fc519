"""Puts the sections together into one HTML file that needs nothing else.

A section that cannot be drawn shows the reason in its place; the other sections are unaffected.
"""

import html
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
from markupsafe import Markup

from components.report import (
    classes,
    dataset,
    drift,
    exported,
    fitted,
    galleries,
    labels,
    provenance,
    storage,
    training,
    verdict,
)
from components.report.material import Material
from components.report.templating import environment

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
      key: Anchor, and name of the template.
      title: Heading.
      context: Returns the template's context; None leaves the section out.
      needs: Parts of the material that the section requires.
    """

    key: str
    title: str
    context: Callable[[Material], dict[str, Any] | None]
    needs: tuple[str, ...] = ()


SECTIONS = (
    Section("answers", "What the network sees", exported.answered, ("answers",)),
    Section(
        "comparison", "Comparison with the last blessed model", verdict.comparison, ("evaluation",)
    ),
    Section("curves", "Learning curves", training.curves, ("history",)),
    Section("classes", "Class by class", classes.table, ("evaluation",)),
    Section("labels", "Labels", labels.section, ("evaluation", "history")),
    Section("confusion", "Confusion matrix", classes.confusion, ("evaluation",)),
    Section("calibration", "Calibration", classes.calibration, ("evaluation",)),
    Section("slices", "Slices", classes.slices, ("evaluation",)),
    Section("most_wrong", "Most wrong", galleries.most_wrong, ("evaluation",)),
    Section("predictions", "Predictions, right and wrong", galleries.samples, ("evaluation",)),
    Section("masks", "Masks", galleries.masks, ("evaluation", "masks")),
    Section("fitted", "Model predictions", fitted.section, ("evaluation", "fitted")),
    Section("regression", "Predictions and residuals", galleries.regression, ("evaluation",)),
    Section("samples", "Samples before training", dataset.samples, ("samples",)),
    Section("data", "Data", dataset.data, ("ingestion", "rejected")),
    Section("drift", "Drift", drift.section, ("drift", "drift_plots")),
    Section(
        "changed",
        "Change since the previous run",
        dataset.changed,
        ("statistics", "previous_statistics"),
    ),
    Section("model", "Model", training.model, ("model_summary",)),
    Section("settings", "Settings", training.settings),
    Section("lineage", "Lineage", provenance.lineage, ("lineage",)),
)


_JUDGED = Section("verdict", "Verdict", verdict.verdict, ("evaluation",))
_EXPORTED = Section("exported", "Verdict", exported.verdict)


def render(material: Material) -> str:
    """Returns the page."""
    templates = environment(material.display)
    head = _drawn(templates, _JUDGED if material.trained else _EXPORTED, material)
    drawn = [(section, _drawn(templates, section, material)) for section in SECTIONS]
    return templates.get_template("page.html.jinja").render(
        material=material,
        head=head,
        sections=[(section, body) for section, body in drawn if body is not None],
    )


def _drawn(templates: jinja2.Environment, section: Section, material: Material) -> Markup | None:
    """Returns a section's body, None where it does not apply; an error becomes the body."""
    missing = [part for part in section.needs if part in material.problems]
    if missing:
        return _failure(material.problems[missing[0]])
    try:
        context = section.context(material)
        if context is None:
            return None
        template = templates.get_template(f"sections/{section.key}.html.jinja")
        return Markup(template.render(material=material, **context))
    except Exception as error:
        _log.exception("the report's section '%s' could not be drawn", section.key)
        return _failure(f"{type(error).__name__}: {error}")


def _failure(message: str) -> Markup:
    return Markup('<p class="failure">This section could not be drawn. {}</p>').format(message)


def finish_report(
    index_html: str,
    seconds: Mapping[str, float],
    *,
    run_id: str = "",
    cached: Sequence[str] = (),
    peak_megabytes: Mapping[str, float] | None = None,
    held: Mapping[str, Any] | None = None,
    withheld: str = "",
) -> None:
    """Adds to a finished page the figures that are known only when the run has ended.

    Args:
      index_html: The page's file; it is rewritten in place, and may be rewritten again.
      seconds: Wall time of each component, and `total`.
      run_id: Name of the run.
      cached: Components whose results came from an earlier run.
      peak_megabytes: The process' peak memory at the end of each component.
      held: The `version` that waits for a decision, and the `reasons`; empty if none does.
      withheld: Why a blessed model is not served; "" if it is, or is held.
    """
    page = storage.read_bytes(index_html).decode("utf-8")
    body = (
        environment()
        .get_template("run.html.jinja")
        .render(
            rows=[
                {
                    "name": name,
                    "seconds": took,
                    "cached": name in cached,
                    "memory": (peak_megabytes or {}).get(name),
                }
                for name, took in seconds.items()
                if name != "total"
            ],
            total=seconds.get("total"),
            longest=max([took for name, took in seconds.items() if name != "total"], default=1)
            or 1,
            with_memory=bool(peak_megabytes),
            run_id=run_id,
        )
    )
    page = _replace_between(page, "run", body)
    released = environment().get_template("released.html.jinja")
    page = _replace_between(
        page, "released", released.render(held=held or {}, withheld=withheld, run_id=run_id)
    )
    page = _replace_between(page, "run-id", html.escape(f"run {run_id}") if run_id else "")
    storage.write_bytes(index_html, page.encode("utf-8"))


def _replace_between(page: str, name: str, content: str) -> str:
    begin, end = f"<!--{name}:begin-->", f"<!--{name}:end-->"
    between = re.compile(f"{begin}.*?{end}", re.DOTALL)
    return between.sub(lambda _: f"{begin}{content}{end}", page, count=1)
