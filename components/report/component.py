"""Report: the page on which people judge a model."""

import os

from tfx.dsl.component.experimental.annotations import (
    InputArtifact,
    OutputArtifact,
    Parameter,
)
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, path_utils

from components.drift.artifacts import DriftFindings
from components.example_gen.artifacts import RejectedExamples
from components.report import (
    exported,
    fitted,
    galleries,
    mask_samples,
    material,
    model_card,
    page,
    provenance,
    raw_examples,
    statistics,
    storage,
    training_samples,
)
from components.report.artifacts import HtmlPage, MarkdownPage, RunReport
from trainer_modules.engine.saved_model import versions
from trainer_modules.engine.task import overrides

INDEX, SAMPLES, STATISTICS = "index.html", "samples.png", "statistics.json"


def _files(artifact, splits):  # type: ignore[no-untyped-def]
    """Returns the shards of some splits, in order."""
    return sorted(
        file
        for split in splits
        for uri in artifact_utils.get_split_uris([artifact], split)
        for file in fileio.glob(io_utils.all_files_pattern(uri))
    )


def _statistics(artifact):  # type: ignore[no-untyped-def]
    if artifact is None:
        return None
    return statistics.read(artifact.uri, artifact_utils.decode_split_names(artifact.split_names))


@component
def Report(
    model: InputArtifact[standard_artifacts.Model],
    report: OutputArtifact[RunReport],
    html: OutputArtifact[HtmlPage],
    task: Parameter[str],
    name: Parameter[str] = "",
    data: Parameter[str] = "",
    code_fingerprint: Parameter[str] = "",
    examples: InputArtifact[standard_artifacts.Examples] = None,
    transformed_examples: InputArtifact[standard_artifacts.Examples] = None,
    rejected: InputArtifact[RejectedExamples] = None,
    statistics_of_data: InputArtifact[standard_artifacts.ExampleStatistics] = None,
    model_run: InputArtifact[standard_artifacts.ModelRun] = None,
    evaluation: InputArtifact[standard_artifacts.ModelEvaluation] = None,
    blessing: InputArtifact[standard_artifacts.ModelBlessing] = None,
    previous_statistics: InputArtifact[standard_artifacts.ExampleStatistics] = None,
    serving_check: InputArtifact[standard_artifacts.InfraBlessing] = None,
    drift: InputArtifact[DriftFindings] = None,
) -> None:
    """Draws the report; a part that cannot be read or drawn is noted on the page.

    A network that was exported without training has a model and, where images were given,
    examples; its page shows its predictions for some of them.

    Args:
      model: The exported model, which draws the masks of a segmentation.
      report: `index.html`, `samples.png`, `MODEL_CARD.md`, `statistics.json`.
      html: The same page once more, for Vertex AI and Kubeflow to show.
      task: The task as JSON.
      name: The name under which runs are stored and the model is served.
      data: Location of the data, as text.
      code_fingerprint: Changes when the code does; also part of the lineage.
      examples: Raw Examples, for the galleries.
      transformed_examples: The training data after Transform, for the samples.
      rejected: What could not be read.
      statistics_of_data: What TFDV counted.
      model_run: Trainer's `history.json` and `model_summary.txt`.
      evaluation: Evaluator's `report.json`.
      blessing: ModelGate's `gates.json`.
      previous_statistics: Statistics of the previous data, for comparison.
      serving_check: ServingCheck's `check.json`.
      drift: DriftCheck's `drift.json` and `plots.json`.
    """
    typed = overrides.from_json(task)
    artifacts = {
        "evaluation": evaluation,
        "blessing": blessing,
        "model_run": model_run,
        "rejected": rejected,
        "serving_check": serving_check,
        "drift": drift,
    }
    uris = {name: given.uri for name, given in artifacts.items() if given is not None}
    contents = material.read(overrides.to_plain(typed), uris)
    contents.title = name
    served = path_utils.serving_model_path(model.uri)
    if statistics_of_data is not None:
        contents.fill("statistics", lambda: _statistics(statistics_of_data))
    contents.fill("previous_statistics", lambda: _statistics(previous_statistics))
    if typed.phases:
        _picture(contents, typed, examples, transformed_examples, served)
    elif examples is not None:
        files = _files(examples, artifact_utils.decode_split_names(examples.split_names))
        contents.attempt("answers", lambda: exported.seen(contents, files, served))
    origin = {"data": data, "examples": examples and examples.uri, "model": model.uri}
    origin["evaluation"] = uris.get("evaluation", "")
    origin = {name: uri for name, uri in origin.items() if uri}
    contents.fill("lineage", lambda: provenance.describe(contents.task, origin, code_fingerprint))

    drawn = page.render(contents).encode("utf-8")
    storage.write_bytes(os.path.join(report.uri, INDEX), drawn)
    storage.write_bytes(
        os.path.join(report.uri, model_card.CARD), model_card.written(contents).encode("utf-8")
    )
    storage.write_bytes(os.path.join(report.uri, STATISTICS), storage.to_json(contents.statistics))
    if contents.samples:
        storage.write_bytes(os.path.join(report.uri, SAMPLES), contents.samples.png())
    _write_page(html.uri, INDEX, drawn)


def _picture(contents, typed, examples, transformed, served):  # type: ignore[no-untyped-def]
    """Adds the images of a run that trained and evaluated a model."""
    contents.fill("samples", lambda: training_samples.sheet(typed, _files(transformed, ["train"])))
    details = contents.evaluation.get("details", {})
    judged = contents.evaluation.get("splits", [])
    if contents.has_images and not contents.shows("masks"):
        wanted = galleries.wanted_ids(details) + galleries.further_ids(details)
        contents.fill(
            "pictures",
            lambda: galleries.drawn(raw_examples.seen(_files(examples, judged), wanted), details),
        )
    if contents.shows("fitted") and not contents.has_images:
        contents.fill("fitted", lambda: fitted.answers(typed, _files(examples, judged), served))
    if contents.shows("masks"):
        ids = mask_samples.shown_ids(details)
        contents.fill(
            "masks",
            lambda: mask_samples.pictured(contents.task, _files(examples, judged), ids, served),
        )


@component
def ModelCard(
    report: InputArtifact[RunReport],
    pushed_model: InputArtifact[standard_artifacts.PushedModel],
    card: OutputArtifact[MarkdownPage],
    code_fingerprint: Parameter[str] = "",
) -> None:
    """Copies the card next to the pushed or held model, and into an artifact for the platforms.

    Args:
      report: Report's output.
      pushed_model: Pusher's output; where nothing was pushed, the card is only shown.
      card: A copy of the card.
      code_fingerprint: Changes when the code does, so that caching notices.
    """
    del code_fingerprint
    destination = pushed_model.get_string_custom_property("pushed_destination")
    held = pushed_model.get_string_custom_property("held_destination")
    # An approval may have moved the version since.
    if not destination and held and versions.is_saved_model(held):
        destination = held
    model_card.place_card(report.uri, destination)
    text = storage.read_bytes(os.path.join(report.uri, model_card.CARD))
    _write_page(card.uri, model_card.CARD, text)


def _write_page(uri, name, content):  # type: ignore[no-untyped-def]
    # TFX makes a folder for a local artifact. The platforms show what lies at the URI itself.
    target = os.path.join(uri, name) if os.path.isdir(uri) else uri
    storage.write_bytes(target, content)
