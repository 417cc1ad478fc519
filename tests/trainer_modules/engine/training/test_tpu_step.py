"""What a TPU would refuse, searched for in the steps of every task.

A TPU runs a step as one XLA program of static shapes; without a TPU, what makes one fail can still
be looked for:

- every operation of the step has a kernel of TensorFlow's XLA bridge, for CPU and for GPU (those
  of TPUs are not in the public package; an operation for one of the two only is a special case of
  that device). Python functions, file and string operations have none;
- no tensor in it is a string, and no loop is left whose tensors grow;
- the whole step compiles to one HLO program, in which no size is bounded instead of known, and
  nothing is sent to the host or fetched from it.

`golden/tpu_operations.txt` lists the operations that were checked (`--update-golden` writes it).
"""

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from pipelines import tasks
from trainer_modules.engine.networks import models
from trainer_modules.engine.task.task import Images, Network, Task
from trainer_modules.engine.training import examples, strategy, training
from trainer_modules.engine.training.input_pipeline import Split
from trainer_modules.engine.training.phases import PhaseRun

GOLDEN = Path(__file__).parent / "golden" / "tpu_operations.txt"
TASKS = {spelling: tasks.load(spelling) for spelling, _ in tasks.descriptions()}
TRAINED = sorted(s for s, t in TASKS.items() if t.phases)
QUICK = ("boston_housing", "cifar10", "flowers")

_HOST = re.compile(r"\b(infeed|outfeed|send|recv|send-done|recv-done)\(")
_BOUNDED = re.compile(r"\[[^\]]*<=")
_CALL = re.compile(r'custom_call_target="([^"]*)"')


def small(task: Task) -> Task:
    """The task without weights of others, at a size that is quickly traced."""
    model: Any = task.model
    problem: Any = task.problem
    if not isinstance(model, Network):
        model = dataclasses.replace(model, weights="none")
    if problem.takes_classes:
        problem = dataclasses.replace(problem, classes=("a", "b", "c"))
    image = task.input
    if not isinstance(model, Network):
        image = Images(height=96, width=80, channels=image.channels, scaling=image.scaling)
    return dataclasses.replace(task, model=model, problem=problem, input=image)


def batch_of(task: Task) -> tuple[Any, ...]:
    """A batch of two as the input pipeline gives it: input, label, weight."""
    stream = tf.data.Dataset.from_tensors("").map(lambda s: examples.decode(task, s))
    x, y = (tf.zeros((2, *spec.shape), spec.dtype) for spec in stream.element_spec)
    return x, y, tf.ones(2)


def statistics_of(task: Task) -> models.Statistics:
    count = task.input.shape[-1]
    return [0.0] * count, [1.0] * count


def steps_of(task: Task) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    """Gives name, function and arguments of every phase's step, and of validation.

    A function is of its phase only until the next one is asked for, which freezes other layers.
    """
    placement = strategy.Placement(
        strategy=tf.distribute.get_strategy(),
        device="tpu",
        replicas=1,
        workers=1,
        is_chief=True,
        precision="mixed_bfloat16",
    )
    batch = batch_of(task)
    split = Split(task=task, shards=examples.Shards((), 2, None), memory=None)
    with training._precision(placement.precision), training._stored_randomness():
        built = models.build(task, statistics_of(task))
        for index, phase in enumerate(task.phases):
            models.set_trainable(built, phase)
            run = PhaseRun(task, index, built, placement, split, split, "", None, "")
            model = run.compiled(10)
            model.test_step(batch)  # Makes the metrics' variables, outside of any graph.
            yield f"phase {index + 1}", _compiled(model.train_step), batch
        yield "validation", _compiled(model.test_step), batch


def _compiled(step: Callable[[Any], Any]) -> Any:
    return tf.function(lambda *data: step(data), jit_compile=True)


def operations(graph: Any) -> set[str]:
    """Every operation of a graph and of the functions in it."""
    found = graph.as_graph_def()
    nodes = [*found.node, *(n for f in found.library.function for n in f.node_def)]
    # Arguments of the program.
    return {node.op for node in nodes} - {"Placeholder"}


def without_kernel(operation: str) -> set[str]:
    """The devices of the XLA bridge that have no kernel for an operation."""
    registered = kernels.get_registered_kernels_for_op(operation).kernel
    return {"XLA_CPU_JIT", "XLA_GPU_JIT"} - {kernel.device_type for kernel in registered}


def refused(function: Any, batch: tuple[Any, ...]) -> tuple[set[str], list[str]]:
    """Returns the operations of a step, and what a TPU would not take of it."""
    graph = function.get_concrete_function(*batch).graph
    found = operations(graph)
    wrong = [
        f"{op}: no kernel for {', '.join(w)}" for op in sorted(found) if (w := without_kernel(op))
    ]
    wrong += [
        f"{op.name}: a string"
        for op in graph.get_operations()
        for t in op.outputs
        if t.dtype.base_dtype == tf.string
    ]
    if wrong:
        return found, wrong  # It would not compile.
    program = function.experimental_get_compiler_ir(*batch)(stage="hlo")
    wrong += [f"{m[0]} in the program" for m in _HOST.finditer(program)]
    wrong += [f"a size that is only bounded: {m[0]}" for m in _BOUNDED.finditer(program)]
    wrong += [f"a call of {target}" for target in sorted(set(_CALL.findall(program)))]
    return found, wrong


@pytest.mark.parametrize(
    "spelling", [s if s in QUICK else pytest.param(s, marks=pytest.mark.slow) for s in TRAINED]
)
def test_no_step_has_what_a_tpu_refuses(spelling: str, update_golden: bool) -> None:
    found: set[str] = set()
    for name, function, batch in steps_of(small(TASKS[spelling])):
        steps, wrong = refused(function, batch)
        assert not wrong, f"{spelling}, {name}: {wrong[:5]}"
        found |= steps
    known = set(GOLDEN.read_text().split()) if GOLDEN.exists() else set()
    if update_golden:
        GOLDEN.write_text("".join(f"{op}\n" for op in sorted(known | found)))
    assert found <= known or update_golden, f"not reviewed: {sorted(found - known)}"


def test_what_was_checked_has_kernels() -> None:
    """The reviewed list holds against the installed TensorFlow without tracing anything."""
    listed = GOLDEN.read_text().split()
    assert len(listed) > 50 and "Conv2DBackpropFilter" in listed
    assert {op: without_kernel(op) for op in listed if without_kernel(op)} == {}


def _python(x: Any) -> Any:
    return tf.ensure_shape(tf.numpy_function(lambda a: a, [x], tf.float32), x.shape)


def _text(x: Any) -> Any:
    return x + tf.strings.to_number(tf.strings.as_string(x))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (_python, "PyFunc: no kernel"),
        (_text, "AsString: no kernel"),
        (lambda x: tf.reduce_sum(tf.unique(tf.reshape(x, [-1]))[0]), "a size that is only bounded"),
        (lambda x: tf.boolean_mask(x, x[:, 0] > 0), "a size that is only bounded"),
        (lambda x: tf.io.decode_raw(tf.io.read_file("x"), tf.uint8), "ReadFile: no kernel"),
    ],
    ids=["python", "text", "unique", "mask", "file"],
)
def test_the_search_finds(step: Callable[[Any], Any], said: str) -> None:
    function = tf.function(step, jit_compile=True)
    assert said in " ".join(refused(function, (tf.ones((2, 3)),))[1])
