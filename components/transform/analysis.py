"""Which transformed features depend on an analysis of the whole training split."""

from collections.abc import Callable, Mapping
from typing import Any


def analyses(preprocessing_fn: Callable[..., Mapping[str, Any]], specs: Mapping[str, Any]) -> bool:
    """Returns whether a function has analyzers at all.

    Args:
      preprocessing_fn: As Transform calls it.
      specs: The `tf.TypeSpec`s of the raw features.
    """
    from tensorflow_transform import analyzer_nodes, impl_helper

    graph, *_ = impl_helper.trace_preprocessing_function(
        preprocessing_fn, dict(specs), use_tf_compat_v1=False
    )
    return bool(graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS))


def analysed_features(
    preprocessing_fn: Callable[..., Mapping[str, Any]], spec: Mapping[str, Any]
) -> frozenset[str] | None:
    """Returns the names of the transformed features that depend on an analyzer's result.

    Args:
      preprocessing_fn: As Transform calls it.
      spec: The parsing spec of the raw features.

    Returns:
      The names; None where an analyzer's result is used in a way that cannot be followed, such as
      a vocabulary in a lookup table, so that any feature may depend on it.
    """
    from tensorflow_transform import analyzer_nodes, impl_helper

    graph, _, outputs = impl_helper.trace_preprocessing_function(
        preprocessing_fn,
        impl_helper.get_type_specs_from_feature_specs(dict(spec)),
        use_tf_compat_v1=False,
    )
    sinks = graph.get_collection(analyzer_nodes.TENSOR_REPLACEMENTS)
    operations = {sink.tensor.op for sink in sinks}
    reached = {name: _sources(output) & operations for name, output in outputs.items()}
    followed: set[Any] = set().union(*reached.values())
    # An analyzer may have results that nothing uses, as the variance beside a mean.
    used = {sink.tensor.op for sink in sinks if sink.tensor.consumers()}
    if any(sink.is_asset_filepath for sink in sinks) or used - followed:
        return None
    return frozenset(name for name, sources in reached.items() if sources)


def _sources(output: Any) -> set[Any]:
    """Returns all operations on which a tensor, or each part of a composite one, depends."""
    import tensorflow as tf

    waiting = [tensor.op for tensor in tf.nest.flatten(output, expand_composites=True)]
    seen: set[Any] = set()
    while waiting:
        operation = waiting.pop()
        if operation not in seen:
            seen.add(operation)
            waiting += [tensor.op for tensor in operation.inputs] + list(operation.control_inputs)
    return seen
