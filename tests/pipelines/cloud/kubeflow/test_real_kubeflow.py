"""Digits, end to end, through the driver and launcher of Kubeflow Pipelines 2.14.3 themselves.

The first test is what fits into CI. `make rehearse-kubeflow` runs the nights that follow, too
(`REHEARSE=all`).
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.pusher.exports import served
from tests.pipelines.cloud.kubeflow import kubeflow_parts
from tests.pipelines.cloud.kubeflow.kubeflow_parts import METADATA, ROOT, Cluster, Step

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(bool(kubeflow_parts.missing()), reason=kubeflow_parts.missing()),
]
nights = pytest.mark.skipif(
    os.environ.get("REHEARSE") != "all", reason="takes half an hour: `make rehearse-kubeflow`"
)
LOOKS = {"DataFingerprint", "ServedVersion"}
AFTER_PUSH = {"Pusher", "Report", "ModelCard"}
_BLESSINGS = """
import json, subprocess, sys, time
from pipelines.cloud.kubeflow import metadata as kfp_metadata
proxy = subprocess.Popen([sys.executable, sys.argv[1], "18090", sys.argv[2]])
try:
    for attempt in range(50):
        try:
            print(json.dumps(kfp_metadata.blessings("http://127.0.0.1:18090", sys.argv[3], {})))
            break
        except Exception as error:
            if attempt == 49: raise
            time.sleep(0.2)
finally:
    proxy.kill()
"""


class Volume:
    """What every pod mounts, data and served models, and the cluster whose runs write there."""

    def __init__(self, cluster: Cluster, place: Path) -> None:
        self.cluster, self.place = cluster, place
        self.data, self.serving = place / "digits", place / "serving/digits"
        self.ids: list[str] = []
        self.upload(self.data)

    def upload(self, target: Path) -> None:
        """Writes the digits, as the docs say."""
        entry = str(ROOT / "pipelines/run_kubeflow.py")
        self.cluster.python(entry, "upload", "--task", "digits", "--data", str(target))

    def night(self, *options: str, data: str | None = None) -> dict[str, Step]:
        """Runs the job once; returns step → what happened."""
        log = self.place / f"night-{len(self.ids) + 1}.log"
        run, steps = self.cluster.run(
            *("--task", "digits", "--data", data or str(self.data), "--beam-workers", "1"),
            *("--serving-root", str(self.place / "serving"), "--volume", f"vision={self.place}"),
            *options,
            log=log,
        )
        self.ids.append(run)
        self._note(steps)
        # The runner prints the end of a step's own log where one fails.
        assert all(step.ok for step in steps.values()), log.read_text()[-6000:]
        return steps

    def _note(self, steps: dict[str, Step]) -> None:
        """Keeps the run's log where `KFP_LOGS` says, for people to read."""
        if "KFP_LOGS" in os.environ:
            kept = Path(os.environ["KFP_LOGS"])
            kept.mkdir(parents=True, exist_ok=True)
            table = {name: vars(step) for name, step in steps.items()}
            (kept / f"night-{len(self.ids)}.json").write_text(json.dumps(table, indent=1))

    def blessings(self) -> dict[str, bool]:
        """Returns what `submit --wait` reads of the last run."""
        proxy = str(Path(__file__).with_name("grpc_web_proxy.py"))
        said = self.cluster.python(
            *("-c", _BLESSINGS, proxy, METADATA, self.ids[-1]), env={"PYTHONPATH": str(ROOT)}
        )
        return dict(json.loads(said.splitlines()[-1]))

    def baseline(self) -> str:
        """Returns the served version that the last run compared with; "" for none."""
        given = self.cluster.handed(self.ids[-1], "Baseline")["inputs"]["parameterValues"]
        return Path(given["version"]).name

    def versions(self) -> list[str]:
        """Returns the pushed versions, oldest first."""
        return served(self.serving)


@pytest.fixture(scope="module")
def volume() -> Iterator[Volume]:
    # Steps run as another user, who may not enter pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="kubeflow-"))
    folder.chmod(0o755)
    place = folder / "volume"
    place.mkdir()
    cluster = Cluster(folder / "cluster")
    try:
        volume = Volume(cluster, place)
        place.chmod(0o777)
        yield volume
    finally:
        cluster.stop()
        shutil.rmtree(folder)


def _ran(steps: dict[str, Step]) -> set[str]:
    assert all(step.ran != step.cached for step in steps.values()), steps
    return {name for name, step in steps.items() if step.ran}


def test_a_first_run_and_one_without_new_data(volume: Volume) -> None:
    first = volume.night()
    assert _ran(first) == set(first) and len(first) == 18
    (version,) = volume.versions()
    assert (volume.serving / version / "saved_model.pb").exists()
    assert volume.blessings() == {"ModelGate": True, "ServingCheck": True}
    assert volume.baseline() == ""

    # The schedule strikes again, and nothing is new: looked at, all else from the cache.
    assert _ran(volume.night()) == LOOKS
    assert volume.versions() == [version]


@nights
def test_new_data_trains_compares_and_pushes(volume: Volume) -> None:
    """After the first test: one file more, and everything behind the reader runs again."""
    served = volume.versions()
    shutil.copy(volume.data / "eval-00000-of-00001", volume.data / "train-00001-of-00002")
    steps = volume.night()
    assert set(steps) - _ran(steps) == {"ReviewedSchema"}
    assert volume.versions()[:-1] == served and volume.baseline() == served[-1]
    assert _ran(volume.night()) == LOOKS


@nights
def test_a_refused_model_is_not_pushed(volume: Volume) -> None:
    served = volume.versions()
    gate = {"type": "AtLeast", "metric": "accuracy", "bound": 0.9999}
    refusing = ("--set", f"gates={json.dumps([gate])}")
    steps = volume.night(*refusing)
    assert {"ModelGate", *AFTER_PUSH} <= _ran(steps) and "Trainer" not in _ran(steps)
    assert volume.blessings() == {"ModelGate": False, "ServingCheck": True}
    assert volume.versions() == served
    # It is refused from the cache, too.
    assert _ran(volume.night(*refusing)) == LOOKS


@nights
def test_a_withdrawn_model_does_not_come_back_by_itself(volume: Volume) -> None:
    *before, newest = volume.versions()
    shutil.move(volume.serving / newest, volume.place / "withdrawn")
    assert _ran(volume.night()) == LOOKS
    assert volume.versions() == before


@nights
def test_the_newest_span_is_read(volume: Volume) -> None:
    volume.upload(volume.place / "weeks/span-1")
    spans = str(volume.place / "weeks/span-{SPAN}")
    assert "ImageExampleGen" in _ran(volume.night(data=spans))
    assert _ran(volume.night(data=spans)) == LOOKS
    volume.upload(volume.place / "weeks/span-2")
    steps = volume.night(data=spans)
    assert set(steps) - _ran(steps) == {"ReviewedSchema"}
