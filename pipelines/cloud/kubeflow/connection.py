"""The connection to Kubeflow Pipelines: its own client, which knows its logins.

`kfp.Client` has no time limits of its own and retries nothing that it creates. So the calls go to
the generated services that it offers (`runs`, `experiments`, `recurring_runs`), with a time limit
and through `with_retries`, which looks for what an earlier attempt created.
"""

import json
import os
import warnings
from collections.abc import Callable
from typing import Any

import google.auth.exceptions
import kfp_server_api as api
import urllib3.exceptions
from kfp.client import Client, ServiceAccountTokenVolumeCredentials

from components import service_calls
from components.service_calls import ServiceError

# For installations with a login: a bearer token, or the cookie of a browser's session. The third
# names a file with a token that Kubernetes renews; it is Kubeflow's own name, as are those of
# Google's Identity-Aware Proxy (KF_PIPELINES_IAP_OAUTH2_CLIENT_ID and others).
TOKEN_VARIABLE, COOKIE_VARIABLE = "KFP_TOKEN", "KFP_COOKIE"
TOKEN_FILE_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"
# Where Kubeflow mounts that file in its notebooks.
_TOKEN_FILE = "/var/run/secrets/kubeflow/pipelines/token"
_AUTHORIZATION = "authorization"
_TRANSIENT_CODES = (429, 502, 503, 504)
# Seconds.
TIME_LIMIT = 60


class Connection(Client):  # type: ignore[misc]
    """One installation of Kubeflow Pipelines; nothing is sent before the first call.

    Raises:
      ServiceError: If a login is configured that does not work.
    """

    def __init__(self, host: str, namespace: str = "") -> None:
        self.address = host.rstrip("/")
        token = os.environ.get(TOKEN_VARIABLE)
        try:
            with warnings.catch_warnings():
                # It warns of servers before 2.0, which `doctor` refuses.
                warnings.simplefilter("ignore", FutureWarning)
                super().__init__(
                    host=self.address,
                    namespace=namespace or "kubeflow",
                    existing_token=token,
                    cookies=os.environ.get(COOKIE_VARIABLE),
                    credentials=None if token else _credentials(),
                )
        except google.auth.exceptions.GoogleAuthError as error:
            raise ServiceError(
                f"The Identity-Aware Proxy before {self.address} needs an account: {error}"
            ) from error

        # `with_retries` tries again; the connections must not do so as well.
        self._run_api.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False

    def get_kfp_healthz(self, sleep_duration: int = 5) -> api.V2beta1GetHealthzResponse:
        """Returns an empty response: the constructor would wait for the server.

        It wants to know whether to look for the namespace; here every call names its own.
        """
        del sleep_duration
        return api.V2beta1GetHealthzResponse()

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the login, for what lies beside the API at the same address."""
        client = self._run_api.api_client
        headers = {k: v for k, v in client.default_headers.items() if k != "User-Agent"}
        authorization = client.configuration.get_api_key_with_prefix(_AUTHORIZATION)
        if authorization:
            headers["Authorization"] = authorization
        if client.cookie:
            headers["Cookie"] = client.cookie
        return headers

    def call(
        self,
        method: Callable[..., Any],
        *arguments: Any,
        look_up: Callable[[], Any] = lambda: None,
        **options: Any,
    ) -> Any:
        """Returns what a service's method returns, retrying where that is safe.

        Args:
          method: For example `runs.run_service_create_run`.
          *arguments: Its arguments.
          look_up: Finds what an earlier attempt created although its response was lost.
          **options: Its keyword arguments.

        Raises:
          ServiceError: If the server refuses, or is unreachable.
        """
        return self.with_retries(
            lambda: method(*arguments, **options, _request_timeout=TIME_LIMIT), look_up
        )

    def with_retries(
        self, call: Callable[[], Any], look_up: Callable[[], Any] = lambda: None
    ) -> Any:
        """Returns the result of several requests that belong together; see `call`."""
        return service_calls.with_retries(
            call, transient=_is_transient, explain=self._explain, look_up=look_up
        )

    def _explain(self, error: Exception) -> str:
        where = f"Kubeflow Pipelines ({self.address})"
        if isinstance(error, api.ApiException) and error.status in (401, 403):
            return (
                f"{where} denies access ({error.status} {error.reason}). Set {TOKEN_VARIABLE} to "
                f"a token with access to the namespace, or {COOKIE_VARIABLE} to the cookie of a "
                "browser that is logged in, and --namespace to that of your profile. "
                "docs/kubeflow.md shows how to get one."
            )
        if isinstance(error, api.ApiException):
            return f"{where}: {error.status} {error.reason}: {_message(error)}"
        return (
            f"{where} cannot be reached: {error}. Check --host; kubectl port-forward may have "
            "stopped."
        )


def _credentials() -> ServiceAccountTokenVolumeCredentials | None:
    """Returns the login of a pod that has the token of its service account."""
    named = os.environ.get(TOKEN_FILE_VARIABLE)
    if named and not os.path.exists(named):
        raise ServiceError(
            f"{TOKEN_FILE_VARIABLE} must name a file with a token. Received: {named}, which does "
            "not exist."
        )
    file = named or _TOKEN_FILE
    return ServiceAccountTokenVolumeCredentials(file) if os.path.exists(file) else None


def _is_transient(error: Exception) -> bool:
    if isinstance(error, api.ApiException):
        return error.status in _TRANSIENT_CODES
    return isinstance(error, urllib3.exceptions.HTTPError | OSError)


def _message(error: api.ApiException) -> str:
    try:
        body = json.loads(error.body)
        return str(body.get("message") or body.get("error_message") or body)
    except (TypeError, ValueError):
        return str(error.body)
