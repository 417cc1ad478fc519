"""Quick start-up: settings and import shortcuts that must precede TensorFlow and TFX.

Importing any module of `tfx.components` runs a package `__init__` that imports every component,
the Kubernetes and Docker clients of InfraValidator among them: 14 s against 11 s on two cores,
and `tfx.v1` takes 20 s. `prepare` registers the package without running that file, so that each
component module loads what it needs itself. It also does what is needed from that file: TFMA 0.52
lacks names that TFX 1.21 expects.
"""

import importlib.util
import os
import sys
import types
from importlib.machinery import ModuleSpec

_TFMA_NAMES = (
    "EvalConfig",
    "ModelSpec",
    "SlicingSpec",
    "MetricsSpec",
    "MetricConfig",
    "MetricThreshold",
    "GenericValueThreshold",
    "GenericChangeThreshold",
    "MetricDirection",
)


def on_this_machine_alone(*places: str | None) -> None:
    """Keeps Beam from asking Google's metadata server for a project, waiting for time-outs.

    That server provides the only credentials on Vertex AI, GKE, Dataflow and Compute Engine, for
    TensorFlow's `gs://` and for Google's libraries, and the variable disables it for both. So no
    container calls this, and it does nothing if one of `places` (paths or options) is remote.
    """
    if not any("://" in place for place in places if place):
        os.environ.setdefault("NO_GCE_CHECK", "true")


def prepare() -> None:
    """Makes importing TensorFlow and TFX fast and quiet; may be called repeatedly."""
    import trainer_modules  # noqa: F401  (sets TF_USE_LEGACY_KERAS)

    # Absl would write each message of TensorFlow's C++ part twice before its own set-up.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    if "tfx.components" in sys.modules:
        return
    import tfx

    spec = importlib.util.find_spec("tfx.components")
    assert spec is not None and spec.submodule_search_locations is not None
    package = _PackageWithoutInit("tfx.components")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = ModuleSpec("tfx.components", None, is_package=True)
    sys.modules["tfx.components"] = package
    tfx.components = package
    _complete_tfma()


class _PackageWithoutInit(types.ModuleType):
    """`tfx.components` without its imports; a component's class is imported when asked for."""

    def __getattr__(self, name: str) -> object:
        if name == "FileBasedExampleGen":
            from tfx.components.example_gen.component import FileBasedExampleGen

            return FileBasedExampleGen
        if name == "InfraValidator":
            # Kubeflow's step builder checks for instances of it; there are none while it is not
            # loaded.
            loaded = sys.modules.get("tfx.components.infra_validator.component")
            return loaded.InfraValidator if loaded else _NotLoaded
        raise AttributeError(f"module 'tfx.components' has no attribute {name!r} in this process")


class _NotLoaded:
    """Placeholder for a component class that was not imported; it has no instances."""


def _complete_tfma() -> None:
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis import sdk
    from tensorflow_model_analysis.proto import config_pb2

    for name in _TFMA_NAMES:
        for module in (tfma, sdk):
            if not hasattr(module, name):
                setattr(module, name, getattr(config_pb2, name))
