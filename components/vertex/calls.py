"""Clients of Vertex AI's services, and messages for their errors."""

from typing import Any

import google.auth.exceptions
from google.api_core import exceptions

from components.service_calls import ServiceError

# Seconds for one attempt; the client's own retries would hide the errors.
TIMEOUT = 60.0
_TRANSIENT = (
    exceptions.ServiceUnavailable,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.BadGateway,
    exceptions.Aborted,
    ConnectionError,
)


def client(kind: Any, region: str, address: str | None = None, *, where: str) -> Any:
    """Returns a client of one service.

    Args:
      kind: Its class in `google.cloud.aiplatform_v1`.
      region: Google Cloud region.
      address: Address of the API in place of the region's own; `http://…` is not encrypted.
      where: Names the location in errors.

    Raises:
      ServiceError: If there are no credentials.
    """
    address = address or f"{region}-aiplatform.googleapis.com"
    if address.startswith("http://"):
        import grpc

        channel = grpc.insecure_channel(address.removeprefix("http://"))
        return kind(transport=kind.get_transport_class("grpc")(channel=channel))
    try:
        return kind(client_options={"api_endpoint": address.removeprefix("https://")})
    except google.auth.exceptions.GoogleAuthError as error:
        raise ServiceError(explain(error, where)) from error


def is_transient(error: Exception) -> bool:
    """Says whether an error may be temporary."""
    return isinstance(error, _TRANSIENT)


def explain(error: Exception, where: str) -> str:
    """Returns the message for an error; `where` names project and region."""
    text = getattr(error, "message", None) or str(error)
    if isinstance(error, google.auth.exceptions.GoogleAuthError | exceptions.Unauthenticated):
        return (
            f"{where} does not accept your credentials: {text} Run `gcloud auth "
            "application-default login`, or name a service account's key in "
            "GOOGLE_APPLICATION_CREDENTIALS."
        )
    if isinstance(error, exceptions.Forbidden):
        return f"{where} denies permission: {text} docs/vertex.md lists the roles that are needed."
    if isinstance(error, exceptions.ResourceExhausted | exceptions.TooManyRequests):
        return (
            f"{where}: a quota is exhausted: {text} Ask for more under IAM & Admin > Quotas, or "
            "use another --region or --accelerator."
        )
    return f"{where}: {type(error).__name__}: {text}"
