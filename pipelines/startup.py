"""Quick start-up: settings and import shortcuts that must precede TensorFlow and TFX.

Importing any module of `tfx.components` runs a package `__init__` that imports every component,
the Kubernetes and Docker clients of InfraValidator among them: 14 s against 11 s on two cores,
and `tfx.v1` takes 20 s. `prepare` makes the package lazy: `from tfx.components import Trainer`
imports Trainer's module and no other. It also does what else that file does: TFMA 0.52 lacks names
that TFX 1.21 expects.
"""

import ast
import importlib
import importlib.util
import os
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

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
    assert spec is not None
    tfx.components = sys.modules["tfx.components"] = LazyPackage(spec)
    _complete_tfma()


class LazyPackage(types.ModuleType):
    """A package that imports a name from its module when the name is first used.

    Its `__init__` is read for `from package.module import Name`, not run.
    """

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        assert spec.origin and spec.submodule_search_locations
        self.__spec__, self.__loader__, self.__file__ = spec, spec.loader, spec.origin
        self.__path__ = list(spec.submodule_search_locations)
        self.__package__ = spec.name
        self._modules = {
            alias.name: node.module
            for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{spec.name}.")
            for alias in node.names
        }
        self.__all__ = sorted(self._modules)

    def __getattr__(self, name: str) -> object:
        module = self.__dict__.get("_modules", {}).get(name)
        if module is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(module), name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__})


def _complete_tfma() -> None:
    import tensorflow_model_analysis as tfma
    from tensorflow_model_analysis import sdk
    from tensorflow_model_analysis.proto import config_pb2

    for name in _TFMA_NAMES:
        for module in (tfma, sdk):
            if not hasattr(module, name):
                setattr(module, name, getattr(config_pb2, name))
