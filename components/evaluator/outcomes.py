"""`outcomes.parquet`: what both models did with each evaluated example, side by side.

One row for each example: `id`, `slices` (as `report.json` names them), and for each model the
columns of the problem's tally, as `candidate.predicted` and `baseline.predicted`. Both models are
evaluated in the same pass, so a row is a pair. The metadata holds the problem and each model's
classes. Rows are ordered by id, whatever Beam's bundles were.

TensorFlow and pyarrow are imported where they are used: gates are checked before either is needed.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer_modules.engine.problems import Problem
from trainer_modules.engine.problems.outcomes import Outcomes
from trainer_modules.engine.task import serialisation

OUTCOMES_FILE = "outcomes.parquet"
CANDIDATE, BASELINE = "candidate", "baseline"
_ABOUT = b"tfx-vision"


@dataclass(frozen=True)
class OutcomeTable:
    """The outcomes of one evaluation.

    Attributes:
      problem: The problem that both models solve.
      former: The baseline's classes where they differ from the candidate's; else ().
      ids: Ids of the examples.
      slices: For each example, the names of the slices that it belongs to.
      models: Name of a model (`CANDIDATE`, and `BASELINE` where there is one) → its columns, see
        `Tally.columns`.
    """

    problem: Problem
    former: tuple[str, ...]
    ids: list[str]
    slices: list[tuple[str, ...]]
    models: dict[str, dict[str, np.ndarray]]

    def alone(self) -> Outcomes:
        """Returns the candidate's outcomes on all examples."""
        return self.problem.tally().outcomes(self.models[CANDIDATE])

    def paired(self, shared: tuple[str, ...] = ()) -> tuple[Outcomes, Outcomes]:
        """Returns the candidate's and the baseline's outcomes on the same examples.

        Args:
          shared: The classes that both know, where they differ; only their examples count then.
        """
        names = shared or (self.problem.names if self.former else ())
        now = self.problem.tally(only=names).outcomes(self.models[CANDIDATE])
        tally = self.problem.tally(names=self.former, only=names)
        return now, tally.outcomes(self.models[BASELINE])

    def within(self, name: str) -> np.ndarray:
        """Returns which examples a slice contains, bool `[examples]`; "" is all of them."""
        if not name:
            return np.ones(len(self.ids), bool)
        return np.array([name in slices for slices in self.slices], bool)


def write(folder: str, table: OutcomeTable) -> None:
    """Writes the table into an evaluation's folder; nothing if there are no examples."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import tensorflow as tf

    if not table.ids:
        return
    arrays = {"id": pa.array(table.ids), "slices": pa.array([list(s) for s in table.slices])}
    for model, columns in table.models.items():
        for name, values in columns.items():
            arrays[f"{model}.{name}"] = _arrow(values)
    about = {
        "problem": serialisation.to_plain(table.problem),
        "former": list(table.former),
        "models": {model: list(columns) for model, columns in table.models.items()},
    }
    written = pa.table(arrays).replace_schema_metadata(
        {_ABOUT: json.dumps(about, ensure_ascii=False).encode()}
    )
    # TensorFlow's files reach every file system, but are not what pyarrow writes to.
    buffer = pa.BufferOutputStream()
    pq.write_table(written, buffer, compression="zstd")
    with tf.io.gfile.GFile(os.path.join(folder, OUTCOMES_FILE), "wb") as file:
        file.write(buffer.getvalue().to_pybytes())


def read(folder: str) -> OutcomeTable | None:
    """Returns an evaluation's outcomes; None if an earlier version of this code made it."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import tensorflow as tf

    path = os.path.join(folder, OUTCOMES_FILE)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path, "rb") as file:
        stored = pq.read_table(pa.BufferReader(file.read()))
    about = json.loads(stored.schema.metadata[_ABOUT])
    return OutcomeTable(
        problem=serialisation.from_plain(about["problem"]),
        former=tuple(about["former"]),
        ids=stored["id"].to_pylist(),
        slices=[tuple(names) for names in stored["slices"].to_pylist()],
        models={
            model: {name: _numpy(stored[f"{model}.{name}"]) for name in names}
            for model, names in about["models"].items()
        },
    )


def _arrow(values: np.ndarray) -> Any:
    import pyarrow as pa

    if values.dtype == object:
        return pa.array(values.tolist(), pa.string()).dictionary_encode()
    if values.ndim == 1:
        return pa.array(values)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])


def _numpy(column: Any) -> np.ndarray:
    import pyarrow as pa

    values = column.combine_chunks()
    if pa.types.is_dictionary(values.type):
        return np.array(values.to_pylist(), object)
    if not pa.types.is_fixed_size_list(values.type):
        return np.asarray(values.to_numpy(zero_copy_only=False))
    flat = values.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(len(values), values.type.list_size))
