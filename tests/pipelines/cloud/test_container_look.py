"""What the looking steps of a compiled job see."""

import json
from pathlib import Path

import pytest

from pipelines.cloud import (
    compiler,
    container_look,
)
from pipelines.cloud import (
    config as cloud_config,
)

KUBEFLOW = {
    "target": "kubeflow",
    "task": "image_folder",
    "settings": ("problem.classes=('cat', 'dog')",),
    "pipeline_root": "minio://mlpipeline/vision",
    "image": "image@sha256:0",
}


def _look(tmp_path: Path, step: str, artifacts: dict, **parameters: str) -> dict:
    """Runs a compiled step that looks, as Kubeflow would; returns what it saw."""
    values = {"data": str(tmp_path / "data/span-{SPAN}"), "serving_root": str(tmp_path)}
    spec = compiler.compile_job(cloud_config.build(KUBEFLOW | values)).job["pipelineSpec"]
    task, component = spec["root"]["dag"]["tasks"][step], spec["components"][step]
    assert "cachingOptions" not in task
    defaults = spec["root"]["inputDefinitions"]["parameters"]
    given = {
        name: source["runtimeValue"]["constant"]
        if "runtimeValue" in source
        else parameters.get(
            source["componentInputParameter"],
            defaults[source["componentInputParameter"]]["defaultValue"],
        )
        for name, source in task["inputs"]["parameters"].items()
    }
    output_file = tmp_path / "output_metadata.json"
    executor_input = {
        "inputs": {"parameterValues": given, "artifacts": artifacts},
        "outputs": {
            "parameters": {
                key: {"outputFile": f"/tmp/kfp/outputs/{key}"}
                for key in component["outputDefinitions"]["parameters"]
            },
            "outputFile": str(output_file),
        },
    }
    ran = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    assert ran["command"] == ["python", "-m", "pipelines.cloud.container_look"]
    filled = [json.dumps(executor_input) if part == "{{$}}" else part for part in ran["args"]]
    assert container_look.main(filled) == 0
    written = json.loads(output_file.read_text())
    assert set(written) == {"parameterValues"}
    return written["parameterValues"]


@pytest.mark.usefixtures("tfx_ready")
def test_the_newest_span_or_the_chosen_one(tmp_path: Path) -> None:
    from components.example_gen.root import given_spans

    for span in (1, 7):
        folder = tmp_path / f"data/span-{span}/train/cat"
        folder.mkdir(parents=True)
        (folder / "1.png").write_bytes(b"span %d" % span)
    newest = _look(tmp_path, "DataFingerprint", {})
    assert newest["span"] == 7
    base, spans = given_spans({"input_base": str(tmp_path / "data"), **newest})
    assert (base, [span.folder for span in spans]) == (str(tmp_path / "data"), ["span-7"])
    assert _look(tmp_path, "DataFingerprint", {}) == newest

    values = {compiler.DATA_SPAN: ""}
    chosen = _look(tmp_path, "DataFingerprint", {}, **compiler.chosen_span(values, 1))
    assert chosen["span"] == 1
    assert chosen["input_fingerprint"] != newest["input_fingerprint"]

    window = _look(tmp_path, "DataFingerprint", {}, **{compiler.DATA_WINDOW: "all"})
    _, spans = given_spans({"input_base": str(tmp_path / "data"), **window})
    assert [span.folder for span in spans] == ["span-1", "span-7"]
    assert window["input_fingerprint"] not in (
        newest["input_fingerprint"],
        chosen["input_fingerprint"],
    )

    (tmp_path / "data/span-7/train/cat/2.png").write_bytes(b"one more")
    assert (
        _look(tmp_path, "DataFingerprint", {})["input_fingerprint"] != (newest["input_fingerprint"])
    )


@pytest.mark.usefixtures("tfx_ready")
def test_the_baseline_is_the_newest_version_that_is_not_the_candidate(tmp_path: Path) -> None:
    def export(folder: Path, fingerprint: bytes, classes: tuple[str, ...] = ("cat", "dog")) -> None:
        (folder / "assets").mkdir(parents=True)
        (folder / "assets/classes.txt").write_text("".join(f"{c}\n" for c in classes))
        (folder / "saved_model.pb").write_bytes(b"graph")
        (folder / "variables").mkdir()
        for name in ("variables.index", "variables.data-00000-of-00001"):
            (folder / "variables" / name).write_bytes(b"values")
        (folder / "fingerprint.pb").write_bytes(fingerprint)

    (tmp_path / "data/span-1/train/cat").mkdir(parents=True)
    export(tmp_path / "model/Format-Serving", b"new")
    # As Kubeflow's driver hands it over: without a type.
    model = {"name": "5", "uri": str(tmp_path / "model"), "type": {"instanceSchema": ""}}
    candidate = {"candidate": {"artifacts": [model]}}
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": ""}
    served = tmp_path / "image_folder"
    export(served / "9", b"old")
    export(served / "10", b"older run, higher number")
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": str(served / "10")}
    # A model of other classes is passed over for one of the same.
    export(served / "10000", b"with a class renamed", ("cat", "hound"))
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": str(served / "10")}
    # The run has pushed it: what it was compared with stays what it is compared with.
    export(served / "11", b"new")
    assert _look(tmp_path, "ServedVersion", candidate) == {"version": str(served / "10")}
