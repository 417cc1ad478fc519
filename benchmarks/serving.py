"""The server against the SavedModel called in process: latency, and 50 clients at once.

    .venv/bin/python benchmarks/serving.py --model runs/serving/flowers --image photo.jpg

Latency: one client that waits for each answer, batch 1, the server and the plain call in turns of
50; the plain call also parses the JSON, decodes base64 and writes JSON. Target: at most 1.3 times.
The client is a bare socket, so that its own cost is not counted; the line `http.client` says what
Python's own HTTP client adds.
Load: 50 clients at once while a new version is pushed, and then rolled back. Target: nothing lost,
no other status than 200, and the earlier version answers within a second of the rollback.
Everything stays on this machine.
"""

import argparse
import base64
import datetime
import http.client
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from components.pusher import rolling_back
from trainer_modules.engine import tensorflow_alone

tensorflow_alone.refuse()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

PORT = 18501
TURN = 50


class Client:
    """One connection that is kept open."""

    def __init__(self, name: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        self._path = f"/v1/models/{name}"

    def predict(self, body: bytes) -> int:
        """Returns the status of a request."""
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", f"{self._path}:predict", body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        assert response.status != 200 or json.loads(answer)["predictions"]
        return response.status

    def version(self) -> str:
        """Returns the version that answers."""
        self._connection.request("GET", self._path)
        found = json.loads(self._connection.getresponse().read())
        return str(found["model_version_status"][0]["version"])


class Socket:
    """A connection that is kept open, with next to no work on the client's side."""

    def __init__(self, name: str, body: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", PORT))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST /v1/models/{name}:predict HTTP/1.1\r\nHost: localhost\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self._request = head.encode() + body

    def predict(self) -> None:
        """Sends the request and reads its whole answer, which must be 200."""
        self._socket.sendall(self._request)
        answer = self._socket.recv(1 << 16)
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(1 << 16)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self._socket.recv(1 << 16)
        assert json.loads(body)["predictions"]


def wait_until_ready(seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("the server did not come up")


def latency(folder: str, name: str, body: bytes, calls: int) -> None:
    """Prints the ratio of the server's latency to the plain call's, both from JSON to JSON."""
    import tensorflow as tf

    loaded = tf.saved_model.load(folder)
    serve = loaded.signatures["serving_default"]

    def plain() -> bytes:
        instances = json.loads(body)["instances"]
        images = [base64.b64decode(one["image_bytes"]["b64"]) for one in instances]
        found = {k: v.numpy() for k, v in serve(image_bytes=tf.constant(images)).items()}
        rows = [
            {
                k: v[i].decode() if isinstance(v[i], bytes) else v[i].tolist()
                for k, v in found.items()
            }
            for i in range(len(images))
        ]
        return json.dumps({"predictions": rows}).encode()

    bare, client = Socket(name, body), Client(name)
    times: dict[str, list[float]] = {"in process": [], "server": [], "http.client": []}
    ways = {
        "in process": plain,
        "server": bare.predict,
        "http.client": lambda: client.predict(body),
    }
    for _ in range(-(-calls // TURN)):
        for kind, run in ways.items():
            for call in range(TURN + 5):
                begin = time.perf_counter()
                run()
                if call >= 5:
                    times[kind].append(1000 * (time.perf_counter() - begin))
    for kind, found in times.items():
        found.sort()
        high = found[int(0.95 * len(found))]
        print(f"{kind:<11} median {statistics.median(found):7.2f} ms   p95 {high:7.2f} ms")
    ratio = statistics.median(times["server"]) / statistics.median(times["in process"])
    print(f"ratio {ratio:.2f}   target 1.30")


def load(
    change: Callable[[], object], version: str, name: str, body: bytes, clients: int, each: int
) -> None:
    """Prints what became of `clients` × `each` requests while another version takes over.

    Args:
      change: Makes the server change; called under load.
      version: The version that then answers.
      name: The model.
      body: A request.
      clients: How many at once.
      each: Requests of each.
    """
    statuses: list[int | str] = []
    lock = threading.Lock()

    def work() -> None:
        client = Client(name)
        for _ in range(each):
            try:
                status: int | str = client.predict(body)
            except (OSError, http.client.HTTPException) as e:
                status, client = repr(e), Client(name)
            with lock:
                statuses.append(status)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    watcher, changed = Client(name), time.monotonic()
    change()
    end = changed + 60
    while watcher.version() != version and time.monotonic() < end:
        time.sleep(0.01)
    took = time.monotonic() - changed
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begin
    counts = {s: statuses.count(s) for s in set(statuses)}
    print(
        f"{clients} clients, {clients * each} requests in {seconds:.1f} s: "
        f"{clients * each / seconds:.0f}/s, answers by status {counts}"
    )
    lost = clients * each - counts.get(200, 0)
    print(
        f"lost {lost}   target 0; version at the end {Client(name).version()}   target {version}, "
        f"which answers after {took:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="a folder of versions")
    parser.add_argument("--image", required=True)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--each", type=int, default=20)
    args = parser.parse_args()
    versions = [p for p in Path(args.model).iterdir() if p.name.isdigit()]
    newest = max(versions, key=lambda p: int(p.name))
    image = base64.b64encode(Path(args.image).read_bytes()).decode()
    body = json.dumps({"instances": [{"image_bytes": {"b64": image}}]}).encode()
    print(f"{datetime.date.today()}  {platform.machine()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as root:
        name = Path(args.model).resolve().name
        pushed = Path(root) / "serving" / name
        shutil.copytree(newest, pushed / "1")
        command = [sys.executable, "-m", "pipelines.serve", "--root", root, "--port", str(PORT)]
        server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready()
            latency(str(newest), name, body, args.calls)
            print("a new version is pushed")
            load(
                lambda: shutil.copytree(pushed / "1", pushed / "2"),
                *("2", name, body, args.clients, args.each),
            )
            print("it is rolled back")
            said = {"by": "benchmark", "reason": "to measure"}
            load(
                lambda: rolling_back.rollback(str(pushed), **said),
                *("1", name, body, args.clients, args.each),
            )
        finally:
            server.terminate()
            server.wait(60)


if __name__ == "__main__":
    main()
