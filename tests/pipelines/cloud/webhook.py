"""A local webhook, and what the platforms hand over at the end of a run."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RESOURCE = "projects/123/locations/europe-west4/pipelineJobs/digits-2030"
PAGE = (
    "https://console.cloud.google.com/vertex-ai/pipelines/locations/europe-west4/runs/"
    "digits-2030?project=123"
)


class Receiver:
    """Takes POSTs; `codes` are the answers to the next ones, 200 when there are none."""

    def __init__(self) -> None:
        self.bodies: list[dict] = []
        self.codes: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                assert self.headers["Content-Type"] == "application/json"
                receiver.bodies.append(json.loads(self.rfile.read(length)))
                self.send_response(receiver.codes.pop(0) if receiver.codes else 200)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                del args

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}/hooks/secret"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()


def final(state: str, **more: object) -> dict:
    status = {"state": state, "pipelineJobResourceName": RESOURCE, **more}
    return {"inputs": {"parameterValues": {"status": status, "run": "77", "resource": RESOURCE}}}
