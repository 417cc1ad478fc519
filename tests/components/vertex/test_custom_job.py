"""What the search's CustomJob runs, on a machine that is taken away in the middle."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from trainer_modules import digits
from trainer_modules.engine.task import overrides
from trainer_modules.engine.training import run, training

SPACE = """search=[{"type": "Choice",
  "key": "phases.0.learning_rate", "values": [0.01, 0.02]}]"""


@pytest.mark.usefixtures("tfx_ready")
def test_a_search_that_starts_again_goes_on_after_its_finished_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tfx.types import standard_artifacts

    from components.vertex.custom_job import SearchExecutor

    task = overrides.apply(digits.TASK, [SPACE])
    properties = {
        "tuner_fn": "trainer_modules.engine.training.tuning.tuner_fn",
        "custom_config": json.dumps(
            {
                "task": overrides.to_json(task.recipe),
                "search": overrides.to_json(task.search),
                "trials": 2,
            }
        ),
        "train_args": '{"splits": ["train"]}',
        "eval_args": '{"splits": ["eval"]}',
    }
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(tmp_path), '["train", "eval"]'
    outputs: dict[str, list[Any]] = {
        "best_hyperparameters": [standard_artifacts.HyperParameters()],
        "tuner_results": [standard_artifacts.TunerResults()],
    }
    for key, (artifact,) in outputs.items():
        artifact.uri = str(tmp_path / key)
    started: list[float] = []

    def train(task: Any, **data: object) -> SimpleNamespace:
        del data
        rate = task.phases[0].learning_rate
        started.append(rate)
        if len(started) == 2:
            raise KeyboardInterrupt
        return SimpleNamespace(history={"epochs": [{"val_accuracy": rate}]})

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(run, "data", lambda *_: {})
    with pytest.raises(KeyboardInterrupt):
        SearchExecutor().Do({"examples": [examples]}, outputs, properties)
    SearchExecutor().Do({"examples": [examples]}, outputs, properties)
    # The second, which was interrupted, is done again; the first is not.
    assert len(started) == 3 and set(started[1:]) == {0.01, 0.02} - {started[0]}
    best = json.loads((tmp_path / "best_hyperparameters/best_hyperparameters.txt").read_text())
    assert best["values"] == {"phases.0.learning_rate": 0.02}
    assert len(json.loads((tmp_path / "tuner_results/tuner_results.json").read_text())) == 2
