"""TensorFlow without the optional libraries that it would load.

`import tensorflow` also loads Keras, and with it SciPy, pandas, scikit-learn and matplotlib where
they are installed: 5.5 s against 1.4 s on two cores. Running SavedModels needs none of them, and a
  process that blocks them proves that a model needs none of them.
"""

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType

BESIDE_TENSORFLOW = ("keras", "tf_keras", "scipy", "sklearn", "pandas", "matplotlib")


class _Refusal:
    """A finder for the blocked packages, and a loader that reports them as not installed.

    TensorFlow looks Keras up without loading it, so that it must be found; that loading it fails
    is provided for.
    """

    def __init__(self, packages: Iterable[str]) -> None:
        self.packages = frozenset(packages)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Returns a spec for what is refused."""
        del path, target
        if name.partition(".")[0] not in self.packages:
            return None
        return ModuleSpec(name, self, origin="refused")  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Leaves making the module to Python."""

    def exec_module(self, module: ModuleType) -> None:
        """Fails as an import of what is not installed does."""
        raise ModuleNotFoundError(f"No module named {module.__name__!r}", name=module.__name__)


def refuse(packages: Iterable[str] = BESIDE_TENSORFLOW) -> None:
    """Makes importing `packages` fail in this process from now on.

    Has no effect once TensorFlow is imported: it has brought them along.
    """
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _Refusal(packages))  # type: ignore[arg-type]
