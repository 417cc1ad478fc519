from types import SimpleNamespace

from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.hyperparameters import Choice
from trainer_modules.engine.training import tuning


def test_trials_are_trained_scored_and_the_best_is_the_best(tiny, tiny_files, tmp_path) -> None:
    from keras_tuner.engine import trial as trials

    space = (Choice(key="phases.0.learning_rate", values=(1e-7, 0.02)),)
    task = tiny(search=space, train__seed=3)
    fn_args = SimpleNamespace(
        custom_config={
            "task": overrides.to_json(task.recipe),
            "search": overrides.to_json(task.search),
            "trials": 2,
        },
        working_dir=str(tmp_path),
        **{k: v for k, v in tiny_files.items()},
    )
    made = tuning.tuner_fn(fn_args)
    made.tuner.search(**made.fit_kwargs)
    done = made.tuner.oracle.get_best_trials(2)
    assert all(t.status == trials.TrialStatus.COMPLETED for t in done)
    assert made.tuner.get_best_hyperparameters()[0].values["phases.0.learning_rate"] == 0.02
    assert done[0].score > done[-1].score
