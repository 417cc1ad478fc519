"""What the code imports is declared, not left to what other packages happen to bring."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("pipelines", "components", "trainer_modules", "schemas")
# Dependencies of parts that are installed on request, besides those of the project itself.
GROUPS = ("serve", "export")
# `tfx` consists of this distribution, of its own version, and what that needs.
SAME = {"ml-pipelines-sdk": "tfx"}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared() -> set[str]:
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = [*content["project"]["dependencies"]]
    for group in GROUPS:
        lines += content["dependency-groups"][group]
    return {_canonical(re.match(r"[\w.-]+", line)[0]) for line in lines}  # type: ignore[index]


def _imported() -> dict[str, str]:
    """Returns dotted name → one file that imports it, for modules and the names taken from them."""
    names: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    found = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    found = [f"{node.module}.{alias.name}" for alias in node.names]
                else:
                    continue
                names |= dict.fromkeys(found, str(path.relative_to(ROOT)))
    # The interpreter of the serving check puts a package of this name together by itself.
    skipped = {*sys.stdlib_module_names, *PACKAGES, "tensorflow_alone"}
    return {name: path for name, path in names.items() if name.partition(".")[0] not in skipped}


def _owners() -> dict[str, set[str]]:
    """Returns file or folder of installed modules → the distributions that put it there."""
    owners: dict[str, set[str]] = {}
    for distribution in importlib.metadata.distributions():
        name = _canonical(distribution.metadata["Name"])
        name = SAME.get(name, name)
        for file in distribution.files or ():
            if file.suffix not in (".py", ".so"):
                continue
            module = file.as_posix().removesuffix("/__init__.py").removesuffix(file.suffix)
            owners.setdefault(module.partition(".cpython")[0].replace("/", "."), set()).add(name)
    return owners


def _owner(name: str, owners: dict[str, set[str]]) -> set[str]:
    """Returns the distributions of the longest part of a dotted name that is a module."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        module = ".".join(parts[:count])
        if module in owners:
            return owners[module]
    return set()


def test_what_is_imported_is_declared() -> None:
    declared, owners = _declared(), _owners()
    missing: dict[str, set[str]] = {}
    for name, path in _imported().items():
        distributions = _owner(name, owners)
        if not distributions & declared:
            key = " or ".join(sorted(distributions)) or f"nothing installed has {name}"
            missing.setdefault(key, set()).add(path)
    assert {key: sorted(paths) for key, paths in sorted(missing.items())} == {}


def test_a_module_is_traced_to_the_distribution_that_brings_it() -> None:
    owners = _owners()
    assert _owner("google.protobuf.json_format.Parse", owners) == {"protobuf"}
    assert _owner("google.cloud.aiplatform_v1", owners) == {"google-cloud-aiplatform"}
    assert _owner("kfp.kubernetes.mount_pvc", owners) == {"kfp-kubernetes"}
    assert _owner("PIL.Image", owners) == {"pillow"}
    assert "keras-tuner" in _owner("keras_tuner", owners)
