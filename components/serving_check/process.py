"""The serving check's process: loads the exported model with TensorFlow and nothing else.

Started by `serving_check` as a file, isolated from the project:

    python -I serving_check_process.py ENGINE_FOLDER REQUEST.json ANSWER.json

The only project module that it imports is `tensorflow_alone`, which makes every import of the
project, of Keras and of TFX fail.
"""

import base64
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

_REFUSED = (
    *("trainer_modules", "components", "pipelines", "schemas", "apache_beam", "ml_metadata"),
    *("tfx", "tfx_bsl", "tensorflow_transform", "tensorflow_model_analysis"),
)
_WARM_UP = 3
_CALLS = 30
_LATENCY_SECONDS = 10.0


class CheckFailedError(Exception):
    """The model cannot be served; the message says why."""


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Returns what the checks found: `passed`, `reason`, `checks`, `latency_ms`, `load_seconds`."""
    answer: dict[str, Any] = {"passed": True, "reason": "", "checks": []}
    checker = _Checker(request, answer)
    for name, check in checker.checks():
        begin = time.perf_counter()
        try:
            check()
        except CheckFailedError as e:
            answer["passed"], answer["reason"] = False, f"{name}: {e}"
        except Exception as e:
            text = str(e).strip().split("\n")[0]
            answer["passed"], answer["reason"] = False, f"{name}: {type(e).__name__}: {text}"
        seconds = round(time.perf_counter() - begin, 3)
        answer["checks"].append({"name": name, "passed": answer["passed"], "seconds": seconds})
        if not answer["passed"]:
            break
    return answer


class _Checker:
    """The checks of one model, in order; each raises when it fails."""

    def __init__(self, request: dict[str, Any], answer: dict[str, Any]) -> None:
        self._request = request
        self._answer = answer
        self._inputs: dict[str, list[Any]] = {
            name: [_value(v) for v in values] for name, values in request["inputs"].items()
        }
        self._count = len(next(iter(self._inputs.values())))
        self._outputs: dict[str, Any] = {}

    def checks(self) -> list[tuple[str, Callable[[], None]]]:
        listed: list[tuple[str, Callable[[], None]]] = [
            ("loading", self._load),
            ("signature", self._signature),
            ("answers", self._answers),
            ("one by one", self._one_by_one),
            ("the same as `examples`", self._check_batch_of_examples),
            ("the same as Evaluator", self._check_against_evaluator),
        ]
        if self._request["junk"]:
            listed.append(("junk", self._check_invalid_input))
        return [*listed, ("latency", self._latency)]

    def _load(self) -> None:
        import tensorflow as tf

        self._model = tf.saved_model.load(self._request["model"])
        self._serve = self._model.signatures["serving_default"]

    def _signature(self) -> None:
        taken = {k: v.dtype.name for k, v in self._serve.structured_input_signature[1].items()}
        wanted = self._request["input_dtypes"]
        if taken != wanted:
            raise CheckFailedError(
                f"the inputs of `serving_default` must be {wanted}. Received: {taken}"
            )
        given = {k: v.dtype.name for k, v in self._serve.structured_outputs.items()}
        promised = {k: dtype for k, (dtype, _) in self._request["outputs"].items()}
        if given != promised:
            raise CheckFailedError(
                f"the outputs of `serving_default` must be {promised}. Received: {given}"
            )

    def _call(self, inputs: dict[str, list[Any]]) -> dict[str, Any]:
        import tensorflow as tf

        dtypes = self._request["input_dtypes"]
        return {
            k: v.numpy()
            for k, v in self._serve(
                **{k: tf.constant(v, dtypes[k]) for k, v in inputs.items()}
            ).items()
        }

    def _answers(self) -> None:
        self._outputs = self._call(self._inputs)
        for name, (dtype, shape) in self._request["outputs"].items():
            value = self._outputs[name]
            wanted = (self._count, *shape)
            if value.shape != wanted:
                raise CheckFailedError(
                    f"`{name}` must be of shape {wanted}. Received: {value.shape}"
                )
            if dtype != "string" and not _all_finite(value):
                raise CheckFailedError(f"`{name}` has values that are not finite")
        if "probabilities" in self._outputs:
            self._probabilities(self._request["classes"])
        if "mask_png" in self._outputs:
            self._masks(len(self._request["classes"]))

    def _masks(self, classes: int) -> None:
        import tensorflow as tf

        for i, png in enumerate(self._outputs["mask_png"]):
            highest = int(tf.io.decode_png(png).numpy().max())
            if highest >= classes:
                raise CheckFailedError(
                    f"the mask of {self._request['ids'][i]} has a pixel {highest}; there are "
                    f"{classes} classes"
                )

    def _probabilities(self, classes: list[str]) -> None:
        probabilities = self._outputs["probabilities"]
        if "labels" in self._outputs:
            self._label_sets(classes, probabilities)
            return
        sums = probabilities.sum(axis=1)
        if abs(sums - 1).max() > 1e-3:
            raise CheckFailedError(f"probabilities must sum to 1. One row sums to {sums.min():.4f}")
        for row, label in zip(probabilities, self._outputs["label"], strict=True):
            expected = classes[int(row.argmax())]
            if label.decode() != expected:
                raise CheckFailedError(
                    f"the most probable class is '{expected}', but the label is '{label.decode()}'"
                )

    def _label_sets(self, classes: list[str], probabilities: Any) -> None:
        """Each class has a probability of its own; those in the set have it as their score."""
        if probabilities.min() < 0 or probabilities.max() > 1:
            raise CheckFailedError(
                "probabilities must be within 0 and 1. Received: "
                f"{probabilities.min():.4g} to {probabilities.max():.4g}"
            )
        rows = zip(probabilities, self._outputs["scores"], self._outputs["labels"], strict=True)
        for i, (row, scores, text) in enumerate(rows):
            of = self._request["ids"][i]
            chosen = [name for name, score in zip(classes, scores, strict=True) if score]
            if any(score not in (0, p) for score, p in zip(scores, row, strict=True)):
                raise CheckFailedError(f"`scores` of {of} are neither probabilities nor 0")
            if not _lists(text.decode(), chosen):
                raise CheckFailedError(
                    f"`labels` of {of} must be {', '.join(chosen) or 'empty'}, the classes with a "
                    f"score. Received: '{text.decode()}'"
                )

    def _one_by_one(self) -> None:
        for i in range(min(self._count, 4)):
            answer = self._call({k: [v[i]] for k, v in self._inputs.items()})
            for name, value in answer.items():
                self._compare(name, value[0], self._outputs[name][i], i, "in a batch")

    def _compare(self, name: str, got: Any, wanted: Any, i: int, where: str) -> None:
        of = f"`{name}` of {self._request['ids'][i]}"
        if getattr(got, "dtype", None) is not None and got.dtype.kind == "f":
            gap = float(abs(got - wanted).max())
            # A number near 0 comes from others as large as those of the whole batch.
            largest = max(1.0, float(abs(wanted).max()), float(abs(self._outputs[name]).max()))
            if not gap <= self._request["tolerance"] * largest:
                raise CheckFailedError(
                    f"{of} differs by {gap:.2g} from its value {where}, which is more than "
                    f"{self._request['tolerance']:g}"
                )
        elif got != wanted:
            raise CheckFailedError(f"{of} is not the same as {where}")

    def _check_batch_of_examples(self) -> None:
        import tensorflow as tf

        serialized = tf.constant([base64.b64decode(e) for e in self._request["examples"]])
        outputs = self._model.signatures["examples"](examples=serialized)
        for name, value in outputs.items():
            for i in range(self._count):
                there = value.numpy()[i]
                self._compare(name, self._outputs[name][i], there, i, "from `examples`")

    def _check_against_evaluator(self) -> None:
        import numpy as np

        for i, expected in enumerate(self._request["expected"]):
            for name, value in expected.items():
                got = self._outputs[name][i]
                wanted = value.encode() if isinstance(value, str) else np.float64(value)
                self._compare(name, got, wanted, i, "in the evaluation")

    def _check_invalid_input(self) -> None:
        """Invalid input must raise an error, and the model must still work afterwards."""
        import tensorflow as tf

        (name, values), *_ = self._inputs.items()
        for title, junk in (("no image", b"junk"), ("no bytes", b""), ("half", values[0][:40])):
            try:
                self._call({name: [junk]})
            except tf.errors.OpError:
                continue
            raise CheckFailedError(f"{title} ({junk[:8]!r}…) got an answer instead of an error")
        again = self._call(self._inputs)
        for output, value in again.items():
            self._compare(output, value[0], self._outputs[output][0], 0, "before the invalid input")

    def _latency(self) -> None:
        """Calls with one instance at a time, like a client that waits for each response."""
        times: list[float] = []
        end = time.perf_counter() + _LATENCY_SECONDS
        for call in range(_WARM_UP + _CALLS):
            request = {k: [v[call % self._count]] for k, v in self._inputs.items()}
            begin = time.perf_counter()
            self._call(request)
            if call >= _WARM_UP:
                times.append(1000 * (time.perf_counter() - begin))
            if times and time.perf_counter() > end:
                break
        times.sort()
        median, high = times[len(times) // 2], times[int(0.95 * (len(times) - 1))]
        self._answer["latency_ms"] = {"median": round(median, 3), "p95": round(high, 3)}
        ceiling = self._request["max_latency_ms"]
        if ceiling is not None and median > ceiling:
            raise CheckFailedError(
                f"the median of {len(times)} calls with one instance is {median:.1f} ms, above "
                f"the ceiling of {ceiling:g} ms (serving.max_latency_ms)"
            )


def _value(value: Any) -> Any:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def _lists(text: str, names: list[str]) -> bool:
    """Says whether a text has all of the names in order, and nothing where there are none."""
    place = 0
    for name in names:
        place = text.find(name, place)
        if place < 0:
            return False
        place += len(name)
    return bool(text) == bool(names)


def _all_finite(value: Any) -> bool:
    return all(math.isfinite(v) for v in value.ravel().tolist())


def main() -> None:
    """Reads the request, runs the checks, writes the answer."""
    engine, request_file, answer_file = sys.argv[1:]
    sys.path.insert(0, engine)
    import tensorflow_alone

    del sys.path[0]
    tensorflow_alone.refuse((*tensorflow_alone.BESIDE_TENSORFLOW, *_REFUSED))
    begin = time.perf_counter()
    import tensorflow  # noqa: F401

    import_seconds = round(time.perf_counter() - begin, 3)
    with open(request_file, encoding="utf-8") as f:
        request = json.load(f)
    answer = {**run(request), "import_seconds": import_seconds}
    with open(answer_file, "w", encoding="utf-8") as f:
        json.dump(answer, f, allow_nan=False)


if __name__ == "__main__":
    main()
