"""What the tests of training read from a history."""

from trainer_modules.engine.training import history


def curve(trained: history.Trained, name: str = "loss") -> list[float]:
    return [epoch[name] for epoch in trained.history["epochs"]]
