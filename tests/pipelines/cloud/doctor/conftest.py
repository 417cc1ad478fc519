"""A local server for what `doctor` asks over HTTP."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Server:
    """Answers `METHOD /path` with what `answers` says: a status and a JSON body."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.bearers: set[str | None] = set()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                call = f"{self.command} {self.path.partition('?')[0]}"
                server.asked.append(self.path)
                server.bearers.add(self.headers.get("Authorization"))
                code, body = server.answers.get(call, (404, {"error": {"message": "no such"}}))
                content = json.dumps(body).encode()
                self.send_response(code)
                for key, value in server.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _do

            def log_message(self, *args: object) -> None:
                del args

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._http.server_address[1]}"
        self.address = f"http://{self.place}"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.stop()
