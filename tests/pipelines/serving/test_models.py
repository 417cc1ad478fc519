import shutil
import threading
import time
from pathlib import Path

from starlette.testclient import TestClient

from components.pusher import rolling_back
from pipelines.serving.models import Served, Watcher
from tests.pipelines.serving.asking import PREDICT, instances, png


def test_a_new_version_takes_over_while_requests_go_on(
    client: TestClient, served: Served, pushed: Path
) -> None:
    watch = Watcher([served], 0.05)
    watch.start()
    codes: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            codes.append(client.post(PREDICT, json=instances(png(7))).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    # As Pusher leaves it while it copies: the graph is there before the variables.
    (pushed / "2").mkdir()
    shutil.copy(pushed / "1" / "saved_model.pb", pushed / "2")
    end = time.monotonic() + 30
    while 2 not in served.failures and time.monotonic() < end:
        time.sleep(0.02)
    states = client.get("/v1/models/tiny").json()["model_version_status"]
    assert [(s["version"], s["state"]) for s in states] == [("1", "AVAILABLE"), ("2", "START")]
    shutil.copytree(pushed / "1", pushed / "2", dirs_exist_ok=True)
    while served.current.number != 2 and time.monotonic() < end:  # type: ignore[union-attr]
        time.sleep(0.02)
    stop.set()
    asking.join()
    watch.stop()
    assert served.current is not None and served.current.number == 2 and not served.failures
    assert set(codes) == {200}


def test_the_newest_version_that_loads_is_served(pushed: Path) -> None:
    shutil.copytree(pushed / "1", pushed / "10")
    shutil.copytree(pushed / "1", pushed / "9")
    (pushed / "11").mkdir()
    found = Served("tiny", str(pushed))
    assert found.refresh() and found.current is not None
    assert found.current.number == 10
    assert list(found.failures) == [11]
    assert not found.refresh()


def test_a_version_keeps_its_leading_zeros(pushed: Path) -> None:
    """Its number is 12, its folder is not."""
    (pushed / "1").rename(pushed / "000012")
    found = Served("tiny", str(pushed))
    assert found.refresh() and found.current is not None and found.current.number == 12
    assert not found.refresh()


def test_an_incomplete_version_is_named_and_tried_again_once_it_grows(pushed: Path) -> None:
    shutil.copytree(pushed / "1", pushed / "2")
    shard = next((pushed / "2/variables").glob("*.data-*"))
    content = shard.read_bytes()
    shard.unlink()
    found = Served("tiny", str(pushed))
    assert found.refresh() and found.current is not None and found.current.number == 1
    assert f"lacks variables/{shard.name}" in found.failures[2]
    shard.write_bytes(content)
    assert found.refresh() and found.current.number == 2 and not found.failures
    # A version that is taken away again does not take the server with it.
    shutil.rmtree(pushed / "2")
    assert found.refresh() and found.current.number == 1
    shutil.rmtree(pushed / "1")
    assert not found.refresh() and found.current.number == 1


def test_the_version_before_is_ready_when_the_served_one_is_withdrawn(pushed: Path) -> None:
    for number in ("2", "3"):
        shutil.copytree(pushed / "1", pushed / number)
    served = Served("tiny", str(pushed))
    assert served.refresh() and served.standby is None
    served.prepare()
    ready = served.standby
    assert ready is not None and ready.number == 2
    served.prepare()
    assert served.standby is ready
    (pushed / "withdrawn").mkdir()
    (pushed / "3").rename(pushed / "withdrawn/3")
    newest = served.current
    # Not loaded: it is the very object that was ready.
    assert served.refresh() and served.current is ready
    # Restored before anything older took its place, the withdrawn one is in memory, too.
    assert served.standby is newest
    (pushed / "withdrawn/3").rename(pushed / "3")
    assert served.refresh() and served.current is newest


def test_a_version_in_memory_is_not_taken_for_another_of_its_number(pushed: Path) -> None:
    shutil.copytree(pushed / "1", pushed / "2")
    served = Served("tiny", str(pushed))
    served.refresh()
    served.prepare()
    ready = served.standby
    (pushed / "1/assets/classes.txt").write_text("other\nclasses\n")
    shutil.rmtree(pushed / "2")
    assert served.refresh() and served.current is not ready
    assert served.current is not None and served.current.classes == ("other", "classes")


def test_without_a_standby_the_version_before_is_loaded(pushed: Path) -> None:
    shutil.copytree(pushed / "1", pushed / "2")
    served = Served("tiny", str(pushed), keeps_standby=False)
    served.refresh()
    served.prepare()
    assert served.standby is None
    shutil.rmtree(pushed / "2")
    assert served.refresh() and served.standby is None
    assert served.current is not None and served.current.number == 1


def test_a_rollback_under_load_takes_a_second_and_loses_no_request(
    client: TestClient, served: Served, pushed: Path
) -> None:
    shutil.copytree(pushed / "1", pushed / "2")
    served.refresh()
    watch = Watcher([served], 0.05)
    watch.start()
    answers: list[tuple[float, int]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            answers.append(
                (time.monotonic(), client.post(PREDICT, json=instances(png(7))).status_code)
            )

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    end = time.monotonic() + 30
    while served.standby is None and time.monotonic() < end:
        time.sleep(0.02)
    begin = time.monotonic()
    rolling_back.rollback(str(pushed), by="Ann", reason="wrong")
    while served.current.number != 1 and time.monotonic() < end:  # type: ignore[union-attr]
        time.sleep(0.005)
    took = time.monotonic() - begin
    time.sleep(0.2)
    stop.set()
    for asker in askers:
        asker.join()
    watch.stop()
    # 0.06 s on an idle machine.
    assert took < 1
    assert {code for _, code in answers} == {200}
    assert any(at < begin for at, _ in answers) and any(at > begin + took for at, _ in answers)
