"""Tells, without TensorFlow, that a run would repeat the last one.

A run that comes to a verdict leaves a stamp in its folder: digests of everything that decided the
verdict. The next run that finds them unchanged is done. Whatever cannot be looked at, or may have
changed while it was, means a whole run: TFX finds in its cache what really is the same.
"""

import dataclasses
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.config import RunConfig
from pipelines.local import archive, listing
from pipelines.local import summary as summaries
from pipelines.local.listing import Watched
from pipelines.local.summary import Summary
from pipelines.task_files import packing, spelling
from trainer_modules.engine import import_closure
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.task import Task

STAMP = "unchanged.json"
_FORMAT = 1
# Options that say how a run works, not what it comes to.
_HOW = ("fresh", "notify", "quiet")
_PACKAGES = ("components", "pipelines", "schemas", "trainer_modules")
# What the names of variables begin with that Python, TensorFlow or a step may read.
VARIABLES = (
    *("AIP_", "BEAM_", "CUDA_", "KERAS_", "KUBE_GOOGLE_CLOUD_TPU", "PYTHON", "TFDS_", "TFX_"),
    *("TF_", "TPU_", "XLA_"),
)
# Data that changed within so many seconds before a run may have changed again within one tick of
# its file system's clock, or between being looked at and being read.
_SETTLED = 5.0


@dataclass(frozen=True)
class Repetition:
    """Whether a run would repeat the last one.

    Attributes:
      last: The last run's summary, with the status of a repetition; None if something has changed.
      changed: What has changed; () if there is nothing to compare with.
    """

    last: Summary | None = None
    changed: tuple[str, ...] = ()


class Stamp:
    """What decides the verdict of one run."""

    def __init__(self, config: RunConfig) -> None:
        """Looks at everything but the task and its data, before either is read."""
        self._config = config
        self._path = Path(config.folder, STAMP)
        self._began = time.time()
        self._watched: Watched | None = None
        self._facts: dict[str, str] = {}
        # Whether everything could be looked at.
        self._sure = "://" not in config.root
        try:
            self._facts = {
                "settings": _digest(_settings(config)),
                "task file": _contents(_task_files(config.task)),
                "code": _contents(_code()),
                "packages": _digest(_installed()),
                "environment": _digest(_environment()),
            }
        except (OSError, SyntaxError, UnicodeError, BadInputError):
            self._sure = False

    @property
    def exists(self) -> bool:
        """Whether the last run left a stamp."""
        return self._path.exists()

    def repetition(self, task: Task) -> Repetition:
        """Says whether a run of a task would repeat the last one.

        Args:
          task: The task, settings applied; its classes may be unknown.
        """
        weights = str(getattr(task.model, "weights", "none"))
        there = [os.path.abspath(weights)] if os.path.exists(weights) else []
        try:
            self._facts["task"] = _digest([overrides.to_json(task)])
            self._facts["weights"] = listing.of(there).digest
            stamp = json.loads(self._path.read_text(encoding="utf-8"))
            if not self._sure or stamp["format"] != _FORMAT:
                return Repetition()
            now = {
                **self._facts,
                "data": Watched(*map(tuple, stamp["watched"])).listing().digest,
                **_results(self._config, stamp["results"]),
            }
            changed = [
                name
                for name in {**now, **stamp["facts"]}
                if now.get(name) != stamp["facts"].get(name)
            ]
            if changed:
                return Repetition(changed=tuple(changed))
            return Repetition(last=_again(archive.find(self._config.folder, stamp["run"]).summary))
        except (OSError, ValueError, KeyError, TypeError, BadInputError):
            return Repetition()

    def forget(self) -> None:
        """Removes the last run's stamp: from here on, the last run is this one."""
        self._path.unlink(missing_ok=True)

    def reads(self, watched: Watched | None) -> None:
        """Looks at the data, after its layout and classes were read and before its examples are.

        Args:
          watched: Where it lies; None if that cannot be looked at.
        """
        self._watched = watched
        try:
            found = watched.listing() if watched else None
        except OSError:
            found = None
        if found is None or (found.changed > self._began - _SETTLED and not self._writes(watched)):
            self._sure = False
        else:
            self._facts["data"] = found.digest

    def _writes(self, watched: Watched | None) -> bool:
        """Says whether the data is a copy that runs themselves write, once and as a whole."""
        copies = os.path.join(self._config.root, spelling.DATA, "")
        return watched is not None and all(place.startswith(copies) for place in watched.places)

    def leave(self, summary: Summary, results: Iterable[str]) -> None:
        """Leaves the stamp of a run that came to a verdict.

        Args:
          summary: The run, archived.
          results: The folders and files of its results.
        """
        if not self._sure or self._watched is None or summary.status == summaries.FAILED:
            return
        places = sorted({*results, *filter(None, (summary.report, summary.predictions))})
        try:
            facts = {**self._facts, **_results(self._config, places)}
        except OSError:
            return
        stamp = {
            "format": _FORMAT,
            "run": summary.run_id,
            "facts": facts,
            "watched": dataclasses.astuple(self._watched),
            "results": places,
        }
        fresh = self._path.with_suffix(".tmp")
        fresh.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
        os.replace(fresh, self._path)


def _again(last: dict[str, object]) -> Summary:
    """Returns a run's summary as that of a repetition: a model is not pushed twice."""
    known = {field.name for field in dataclasses.fields(Summary)}
    summary = Summary(**{key: value for key, value in last.items() if key in known})  # type: ignore[arg-type]
    if summary.status == summaries.FAILED:
        raise ValueError("a failed run leaves no stamp")
    if summary.status == summaries.PUSHED:
        summary.status = summaries.NOTHING_NEW
    summary.repeats = summary.run_id
    summary.cached = [*summary.cached, *summary.ran]
    summary.ran, summary.seconds, summary.peak_megabytes, summary.log = [], {}, {}, ""
    return summary


def _results(config: RunConfig, places: Iterable[str]) -> dict[str, str]:
    """Looks at what a run leaves, and the next one finds.

    Raises:
      OSError: If it cannot be looked at.
    """
    store = config.metadata_file.removeprefix("sqlite://")
    if "://" in store or os.path.exists(f"{store}-journal"):
        raise OSError(f"{store} is on a server, or a transaction was interrupted")
    return {
        # A hard link, as caches and backups make them, is no change of a result.
        "results": listing.of(places, moved=False).digest,
        "served versions": listing.of([config.serving_folder], moved=False).digest,
        "lineage": listing.of([os.path.abspath(store)]).digest,
    }


def _settings(config: RunConfig) -> Iterable[str]:
    """Yields the options, and what those mean in this folder that are paths."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name in _HOW:
            continue
        yield f"{field.name}={value!r}"
        for text in value if isinstance(value, tuple) else (value,):
            path = (
                os.path.expanduser(text.partition("=")[2] or text) if isinstance(text, str) else ""
            )
            if "://" not in path and (os.sep in path or os.path.exists(path)):
                yield os.path.abspath(path)


def _task_files(name: str) -> dict[str, Path]:
    """Returns a task file, what it imports from beside it, and its schema."""
    reference = spelling.parse(name)
    if reference.path is None:
        return {}
    files = packing.neighbours(reference.path)
    schema = reference.schema_path
    return files | ({schema.name: schema} if schema and schema.exists() else {})


def _code() -> dict[str, Path]:
    """Returns the files of the project's packages, and the lock of the others."""
    root = import_closure.ROOT
    found = {"uv.lock": root / "uv.lock"} if (root / "uv.lock").exists() else {}
    for package in _PACKAGES:
        for folder, subfolders, names in os.walk(root / package):
            subfolders[:] = [name for name in subfolders if name != "__pycache__"]
            for name in names:
                path = Path(folder, name)
                found[path.relative_to(root).as_posix()] = path
    return found


def _installed() -> Iterable[str]:
    """Yields what is installed, with versions, as the names of its metadata say."""
    yield f"{sys.version} {sys.platform} {sys.prefix}"
    for folder in sys.path:
        # Others hold no packages of their own, or, as setuptools' copies, are added on the way.
        if folder.endswith("-packages") and os.path.isdir(folder):
            yield from (n for n in sorted(os.listdir(folder)) if n.endswith((".dist-info", ".pth")))


def _environment() -> Iterable[str]:
    return (f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(VARIABLES))


def _contents(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes()
        digest.update(f"{name} {len(content)}\n".encode("utf-8", "surrogatepass") + content)
    return digest.hexdigest()


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
