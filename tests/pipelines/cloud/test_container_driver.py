"""The reader's driver on Vertex AI writes what TFX's own would write of the same processor."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.cloud import container, container_driver
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import ImageFolders

ARTIFACT = {
    "name": "projects/p/examples",
    "uri": "gs://b/x",
    "type": {"schemaTitle": "tfx.Examples"},
}


def _sent(folder: Path, output: Path) -> list[str]:
    from components.example_gen.component import ImageExampleGen

    reader = ImageExampleGen(
        input_base=str(folder),
        source=overrides.to_json(ImageFolders(train="train", eval="eval")),
        problem=overrides.to_json(Classification(classes=("cat", "dog"))),
    )
    values = {k: v for k, v in reader.exec_properties.items() if v is not None}
    types = {str: "STRING", int: "NUMBER_INTEGER"}
    spec = {"parameters": {k: {"parameterType": types[type(v)]} for k, v in values.items()}}
    given = {
        "inputs": {"parameterValues": values},
        "outputs": {
            "artifacts": {"examples": {"artifacts": [ARTIFACT]}},
            "outputFile": str(output),
        },
    }
    name = "--json_serialized_invocation_args"
    return [name, json.dumps(given), "--json_serialized_inputs_spec_args", json.dumps(spec)]


@pytest.mark.usefixtures("tfx_ready")
@pytest.mark.parametrize("pattern", ["", "span-{SPAN}", "v{VERSION}/span-{SPAN}"])
def test_it_writes_what_tfxs_own_driver_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver

    from components.example_gen.driver import InputProcessor

    for span in ("6", "007"):
        folder = tmp_path / "data" / pattern.format(SPAN=span, VERSION=3)
        for name in ("train/cat", "eval/dog"):
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "1.png").write_bytes(span.encode())
    ours, theirs = tmp_path / "new/ours.json", tmp_path / "theirs.json"
    assert container_driver.main(_sent(tmp_path / "data" / pattern, ours)) == 0

    args, _ = container.parse(_sent(tmp_path / "data" / pattern, theirs))
    given = json.loads(args.json_serialized_invocation_args)["inputs"]["parameterValues"]

    def processor(base: str, splits: Any, range_config: Any) -> InputProcessor:
        return InputProcessor(base, splits, range_config, given)

    monkeypatch.setattr(driver.input_processor, "FileBasedInputProcessor", processor)
    driver.main(args)
    written, expected = (json.loads(path.read_text()) for path in (ours, theirs))
    configs = [w["parameterValues"].pop("input_config") for w in (written, expected)]
    assert written == expected
    assert written["parameterValues"]["span"] == (7 if pattern else 0)
    # Where there are spans, the window is told beside TFX's patterns.
    own, tfxs = (json.loads(config)["splits"] for config in configs)
    assert own[: len(tfxs)] == tfxs
    window = {"name": f"window:7:{3 if 'VERSION' in pattern else ''}"}
    newest = pattern.format(SPAN="007", VERSION=3)
    assert own[len(tfxs) :] == ([{**window, "pattern": newest}] if pattern else [])
