"""The TFX component that turns a data root into canonical Examples."""

from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.channel import Channel
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.example_gen import driver, executor
from components.example_gen.artifacts import RejectedExamples
from components.example_gen.root import NEWEST, split_root


class ImageExampleGenSpec(standard_component_specs.FileBasedExampleGenSpec):
    """TFX's file-based specification with the source, the problem and the second output."""

    PARAMETERS = {
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        "source": ExecutionParameter(type=str),
        "problem": ExecutionParameter(type=str),
        "columns": ExecutionParameter(type=str),
        "window": ExecutionParameter(type=str),
        "evaluate": ExecutionParameter(type=str),
        "store": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    OUTPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "rejected": ChannelParameter(type=RejectedExamples),
    }


class ImageExampleGen(FileBasedExampleGen):
    """Reads any layout of `engine/task/sources.py`.

    A subclass of TFX's file-based component, so that Kubeflow and Vertex AI look at the data
    before they trust their cache.

    Outputs: `examples` (splits train, eval, and test and unlabelled where present; `judged` where
    what is evaluated is no split of these) and `rejected` (see `RejectedExamples`).
    """

    SPEC_CLASS = ImageExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)
    DRIVER_CLASS = driver.Driver

    def __init__(
        self,
        *,
        input_base: str,
        source: str,
        problem: str,
        columns: str = "[]",
        window: str = NEWEST,
        evaluate: str = NEWEST,
        store: str = "",
        code_fingerprint: str = "",
    ) -> None:
        """Initialises the component.

        Args:
          input_base: The data root, a folder or `gs://…`; may hold `{SPAN}` and `{VERSION}`.
          source: The layout as JSON (`overrides.to_json(task.source)`), not a `Bundled`.
          problem: The problem as JSON; its classes must be known.
          columns: The input's columns of a table, a list as JSON; empty where it is images.
          window: Which spans to read: `newest`, `all` or how many.
          evaluate: What to evaluate on: `newest` (the newest span), `window`, or the root of a
            fixed test set.
          store: Folder that keeps what was read for the next night; "" for none.
          code_fingerprint: Changes when the reading code does; for the cache only.
        """
        base, input_config = split_root(input_base)
        spec = ImageExampleGenSpec(
            input_base=base,
            input_config=input_config,
            output_config=example_gen_pb2.Output(),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FILE_FORMAT_UNSPECIFIED,
            source=source,
            problem=problem,
            columns=columns,
            window=window,
            evaluate=evaluate,
            store=store,
            code_fingerprint=code_fingerprint,
            examples=Channel(type=standard_artifacts.Examples),
            rejected=Channel(type=RejectedExamples),
        )
        # TFX's constructor would build its own specification.
        super(FileBasedExampleGen, self).__init__(spec=spec)
