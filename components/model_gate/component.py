"""ModelGate: blesses a model that passes the task's gates, and says why not otherwise."""

import json
import os
from functools import partial
from typing import Any

from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as evaluator_executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import BaseChannel, Channel, artifact_utils, component_spec, standard_artifacts
from tfx.utils import io_utils

from components.evaluator import outcomes
from components.evaluator.report import BASELINE_FILE, REPORT_FILE
from components.model_gate.judging import judge
from trainer_modules.engine import fingerprint
from trainer_modules.engine.task import overrides

GATES_FILE = "gates.json"
VERDICT_FILE = "verdict.txt"


class Executor(evaluator_executor.Executor):
    """Writes the blessing as TFX's Evaluator does.

    It subclasses Evaluator's executor because TFX's Kubeflow entrypoint translates the model ids of
    a blessing into names only for its subclasses; without this, Vertex AI finds no last blessed
    model.
    """

    def __init__(self, context: Any = None) -> None:
        # Without Beam options, TFX does not package itself for workers that do not exist.
        if context is not None:
            context.beam_pipeline_args = []
        super().__init__(context)

    def Do(
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Applies the gates; a model that fails is not blessed, which is not an error.

        Raises:
          BadInputError: If a gate cannot be judged, see `components/model_gate/judging`.
        """
        evaluation = artifact_utils.get_single_uri(input_dict["evaluation"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        report = _read(os.path.join(evaluation, REPORT_FILE))
        baseline = _read(os.path.join(evaluation, BASELINE_FILE))
        verdict = judge(
            overrides.from_json(exec_properties["gates"]),
            report,
            partial(outcomes.read, evaluation),
        )

        plain = [gate.plain() for gate in verdict.gates]
        for name, text in (
            (GATES_FILE, json.dumps(plain, ensure_ascii=False, indent=1)),
            (VERDICT_FILE, verdict.message + "\n"),
            (
                constants.BLESSED_FILE_NAME if verdict.blessed else constants.NOT_BLESSED_FILE_NAME,
                "",
            ),
        ):
            io_utils.write_string_file(os.path.join(blessing.uri, name), text)
        blessing.set_string_custom_property(
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
        )
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
        if baseline["used"]:
            blessing.set_string_custom_property(
                constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline["uri"]
            )
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BLESSED_KEY,
            constants.BLESSED_VALUE if verdict.blessed else constants.NOT_BLESSED_VALUE,
        )


def _read(path: str) -> Any:
    return json.loads(io_utils.read_string_file(path))


class ModelGateSpec(component_spec.ComponentSpec):
    """Inputs, parameters and output of ModelGate."""

    PARAMETERS = {
        "gates": component_spec.ExecutionParameter(type=str),
        "fingerprint": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing)}


class ModelGate(base_beam_component.BaseBeamComponent):
    """Blesses or rejects a model; output `blessing` (ModelBlessing) with `gates.json`."""

    SPEC_CLASS = ModelGateSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        evaluation: BaseChannel,
        model: BaseChannel,
        gates: str,
    ) -> None:
        """Makes the component.

        Args:
          evaluation: What ImageEvaluator found.
          model: The model it judged.
          gates: The task's gates as JSON (`overrides.to_json(task.gates)`); without gates every
            model is blessed.
        """
        super().__init__(
            spec=ModelGateSpec(
                evaluation=evaluation,
                model=model,
                gates=gates,
                fingerprint=fingerprint.of_code(f"{__name__}:Executor"),
                blessing=Channel(type=standard_artifacts.ModelBlessing),
            )
        )
