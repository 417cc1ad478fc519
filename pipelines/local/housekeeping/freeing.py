"""`--gc KEEP`: frees the disk that no kept night, no kept version and no running job needs.

What is freed, and what stays, is in docs/nightly.md. First the metadata store forgets an artifact,
then its files go: a crash in between leaves files that the next collection removes, never an
artifact that the cache believes in.
"""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from components.pusher import releases
from components.shard_store import MEMORY
from pipelines.config import RunConfig
from pipelines.local import disk, metadata_store, run_files
from pipelines.local.history import reading
from pipelines.local.housekeeping import kept_artifacts

_DELETED = metadata_store_pb2.Artifact.DELETED
_PUT = 500
# What an archived night keeps for the history; the rest goes with its artifacts.
_HISTORY = {run_files.SUMMARY}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What may be freed.

    Attributes:
      folders: Component → files and folders that go, none inside another.
      artifacts: The metadata store's records of the artifacts that go.
      kept: How many nights stay.
      dropped: How many nights lose their artifacts.
      sizes: Component → bytes that become free; a file with a name that stays frees nothing.
    """

    folders: dict[str, list[str]] = field(default_factory=dict)
    artifacts: list[Any] = field(default_factory=list)
    kept: int = 0
    dropped: int = 0
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Bytes that become free."""
        return sum(self.sizes.values())


def plan(config: RunConfig, keep: int) -> Plan:
    """Returns what may be freed under a name; changes nothing.

    Args:
      config: The name, its folders and its metadata store.
      keep: How many of the last nights that ran stay as they are.

    Raises:
      BadInputError: If the metadata store or the record of releases cannot be read.
    """
    known = _lineage(config)
    if not known.runs:
        return Plan()
    runs = kept_artifacts.kept_runs(known, keep)
    versions = _versions(config.serving_folder)
    record = releases.read(config.serving_folder)
    standing = [r for r in record.releases if r in record.held or r.version in versions]
    models = {release.model for release in standing if release.model}
    needed = kept_artifacts.needed(known, runs, versions=versions, models=models)
    places = {artifact.uri for i, artifact in known.artifacts.items() if i in needed}
    gone = [a for i, a in known.artifacts.items() if i not in needed and a.uri not in places]
    since = runs[0] if len(runs) < len(known.runs) and kept_artifacts.began(runs[0]) else ""
    folders: dict[str, list[str]] = defaultdict(list)
    for place in {artifact.uri for artifact in gone}:
        if os.path.isdir(place):
            component = os.path.relpath(place, config.artifacts_folder).split(os.sep)[0]
            folders[component].append(place)
    # Nothing runs: the caller holds the lock.
    folders["temporary"] = list(_temporary(config))
    if since:
        folders["checkpoints"] = list(_before(config.checkpoints_folder, since))
        folders["archives"] = list(_archives(config.folder, since, versions))
        folders["logs"] = list(_logs(config.folder, since))
    folders["store"] = list(_unused(config, since, folders))
    folders = {component: sorted(paths) for component, paths in folders.items() if paths}
    return Plan(
        folders=folders,
        artifacts=[artifact for artifact in gone if artifact.state != _DELETED],
        kept=len(runs),
        dropped=len(known.runs) - len(runs),
        sizes=_sizes(folders),
    )


def free(config: RunConfig, planned: Plan) -> None:
    """Frees what was planned; the caller holds the lock of the folder since it was.

    Args:
      config: As it was planned with.
      planned: What `plan` returned.
    """
    for artifact in planned.artifacts:
        artifact.state = _DELETED
    if planned.artifacts:
        with metadata.Metadata(metadata_store.connection(config.metadata_file)) as handle:
            for i in range(0, len(planned.artifacts), _PUT):
                handle.store.put_artifacts(planned.artifacts[i : i + _PUT])
    for paths in planned.folders.values():
        for path in paths:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.lexists(path):
                os.unlink(path)


def _lineage(config: RunConfig) -> kept_artifacts.Lineage:
    connection = metadata_store.connection(config.metadata_file)
    with metadata.Metadata(connection) as handle:
        return kept_artifacts.read(handle.store, config.names.own, config.artifacts_folder)


def _versions(serving_folder: str) -> frozenset[str]:
    """Returns the versions whose files exist, served, held or withdrawn."""
    beside = (releases.HELD_FOLDER, releases.WITHDRAWN_FOLDER)
    folders = [serving_folder, *(os.path.join(serving_folder, name) for name in beside)]
    return frozenset(name for folder in folders for name in _listed(folder) if name.isdigit())


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _temporary(config: RunConfig) -> Iterator[str]:
    """Yields what runs leave behind that end before they have cleaned up."""
    for component in _listed(config.artifacts_folder):
        system = os.path.join(config.artifacts_folder, component, disk.SYSTEM)
        for kind in ("executor_execution", "stateful_working_dir"):
            yield from (os.path.join(system, kind, n) for n in _listed(os.path.join(system, kind)))
    for name in _listed(config.folder):
        if name.endswith(".tmp") or name == ".report":
            yield os.path.join(config.folder, name)


def _before(folder: str, since: str) -> Iterator[str]:
    """Yields what lies in a folder and was last written before a run began."""
    start = kept_artifacts.began(since)
    assert start is not None
    for name in _listed(folder) if folder else []:
        path = os.path.join(folder, name)
        if _last_written(path) < start.timestamp():
            yield path


def _last_written(path: str) -> float:
    own = os.lstat(path).st_mtime
    return max([own, *(status.st_mtime for status in disk.files(path))])


def _archives(folder: str, since: str, versions: Iterable[str]) -> Iterator[str]:
    """Yields what the history does not need of the archives of earlier nights.

    The night that made a version which still exists stays whole.
    """
    runs = os.path.join(folder, run_files.RUNS)
    nights = reading.read(reading.look(os.path.dirname(folder), os.path.basename(folder))).nights
    ids = sorted(night.run_id for night in nights)
    # The run that the metadata store knows began a little later than its id says.
    first = max((run_id for run_id in ids if run_id <= since), default=since)
    made = {n.run_id for n in nights if n.status in ("pushed", "held") and n.version in versions}
    for run_id in ids:
        if run_id < first and run_id not in made:
            files = _listed(os.path.join(runs, run_id))
            yield from (os.path.join(runs, run_id, f) for f in files if f not in _HISTORY)


def _logs(folder: str, since: str) -> Iterator[str]:
    """Yields the logs of earlier nights that have a summary; others have nothing but their log."""
    ids = [os.path.splitext(name)[0] for name in _listed(os.path.join(folder, run_files.LOGS))]
    first = max((run_id for run_id in ids if run_id <= since), default=since)
    for run_id in ids:
        if run_id < first and os.path.exists(run_files.summary_file(folder, run_id)):
            yield os.path.join(folder, run_files.LOGS, f"{run_id}.log")


def _unused(config: RunConfig, since: str, going: dict[str, list[str]]) -> Iterator[str]:
    """Yields entries of the store that no kept night used and nothing that stays links to."""
    store = os.path.join(config.artifacts_folder, disk.STORE)
    if not since:
        return
    names = _names(path for paths in going.values() for path in paths)
    for kind in _listed(store):
        if kind == MEMORY:
            continue
        for entry in _before(os.path.join(store, kind), since):
            mine = _names([entry])
            if all(own.count + names.get(f, _NONE).count >= own.links for f, own in mine.items()):
                yield entry


@dataclass(frozen=True)
class _File:
    """One file: how many of its names are among some folders, of how many, and its bytes."""

    count: int
    links: int
    size: int


_NONE = _File(0, 0, 0)


def _names(paths: Iterable[str]) -> dict[tuple[int, int], _File]:
    """Returns the files below some paths by device and inode."""
    found: dict[tuple[int, int], _File] = {}
    for path in paths:
        for status in disk.files(path) if os.path.isdir(path) else [os.lstat(path)]:
            key = (status.st_dev, status.st_ino)
            count = found.get(key, _NONE).count + 1
            found[key] = _File(count, status.st_nlink, status.st_size)
    return found


def _sizes(folders: dict[str, list[str]]) -> dict[str, int]:
    """Returns the bytes that become free by component, the most first."""
    everywhere = _names(path for paths in folders.values() for path in paths)
    free = {key for key, file in everywhere.items() if file.count >= file.links}
    sizes: dict[str, int] = {}
    for component, paths in folders.items():
        mine = {key: file.size for key, file in _names(paths).items() if key in free}
        free -= set(mine)
        sizes[component] = sum(mine.values())
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))
