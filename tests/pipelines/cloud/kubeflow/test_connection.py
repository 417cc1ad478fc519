"""The logins that Kubeflow's own client knows, against a local server of its REST API."""

import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components.service_calls import ServiceError
from pipelines.cloud.kubeflow.connection import Connection

LOGINS = ("KFP_TOKEN", "KFP_COOKIE", "KF_PIPELINES_SA_TOKEN_PATH")
IAP = "KF_PIPELINES_IAP_OAUTH2_CLIENT_ID"


@pytest.fixture(autouse=True)
def _no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*LOGINS, IAP):
        monkeypatch.delenv(name, raising=False)


def _list(connection: Connection) -> None:
    connection.call(connection.recurring_runs.recurring_run_service_list_recurring_runs)


def test_making_it_sends_and_prints_nothing(kubeflow_server: Any, capfd: Any) -> None:
    connection = Connection(f"{kubeflow_server.address}/")
    assert connection.address == kubeflow_server.address
    assert kubeflow_server.calls == [] and connection.headers == {}
    assert capfd.readouterr() == ("", "")
    _list(connection)
    assert kubeflow_server.authorizations == {None} == kubeflow_server.cookies


def test_the_cookie_of_a_browser(kubeflow_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KFP_COOKIE", "oauth2_proxy_kubeflow=abc")
    connection = Connection(kubeflow_server.address)
    _list(connection)
    assert kubeflow_server.cookies == {"oauth2_proxy_kubeflow=abc"}
    assert connection.headers == {"Cookie": "oauth2_proxy_kubeflow=abc"}


def test_a_token_that_kubernetes_renews(
    kubeflow_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    connection = Connection(kubeflow_server.address)
    _list(connection)
    file.write_text("second\n")
    _list(connection)
    assert kubeflow_server.authorizations == {"Bearer first", "Bearer second"}
    assert connection.headers == {"Authorization": "Bearer second"}
    monkeypatch.setenv("KFP_TOKEN", "mine")
    assert Connection(kubeflow_server.address).headers == {"Authorization": "Bearer mine"}


def test_a_token_file_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", "/no/token")
    with pytest.raises(ServiceError, match=r"Received: /no/token, which does not exist"):
        Connection("http://127.0.0.1:9")


@pytest.fixture
def google_accounts() -> Iterator[str]:
    """Returns the address of what gives an id token for a refresh token, as Google's server."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            form = urllib.parse.parse_qs(self.rfile.read(length).decode())
            body = json.dumps({"id_token": f"{form['audience'][0]}-{form['refresh_token'][0]}"})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_googles_identity_aware_proxy(
    kubeflow_server: Any,
    google_accounts: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kfp.client import auth

    kept = tmp_path / "credentials.json"
    account = {"refresh_token": "r", "other_client_id": "o", "other_client_secret": "s"}
    kept.write_text(json.dumps({"iap-client": account}))
    monkeypatch.setattr(auth, "LOCAL_KFP_CREDENTIAL", str(kept))
    monkeypatch.setattr(auth, "OAUTH_TOKEN_URI", google_accounts)
    monkeypatch.setenv(IAP, "iap-client")
    connection = Connection(kubeflow_server.address)
    _list(connection)
    assert kubeflow_server.authorizations == {"Bearer iap-client-r"}


def test_the_proxy_without_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kfp.client import auth

    monkeypatch.setattr(auth, "LOCAL_KFP_CREDENTIAL", str(tmp_path / "none.json"))
    monkeypatch.setenv(IAP, "iap-client")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(ServiceError, match="Identity-Aware Proxy before http://h needs an account"):
        Connection("http://h")


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_learns_of_both_ways(kubeflow_server: Any, status: int) -> None:
    kubeflow_server.failures["GET recurringruns"] = [status]
    with pytest.raises(ServiceError, match="Set KFP_TOKEN to.*KFP_COOKIE to the cookie"):
        _list(Connection(kubeflow_server.address))


def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.cloud.kubeflow import connection as module

    monkeypatch.setattr(module, "TIME_LIMIT", 1)
    begin = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServiceError, match="cannot be reached.*All 5 attempts failed"):
            _list(Connection(address))
    # Once per attempt: the library below would wait four times as long.
    assert time.monotonic() - begin < 10
