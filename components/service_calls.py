"""Calls to a service that may be down, slow, or interrupted during a response."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
ATTEMPTS = 5
# The output with a step's blessing of the model, and that artifact's property.
BLESSING = "blessing"
# Yes (1) or no (0).
BLESSED = "blessed"
# The label of a Vertex AI CustomJob that names the pipeline's run.
RUN_LABEL = "pipeline-run"
# Seconds before the second attempt; doubled for each further one.
PAUSE = 1.0


class ServiceError(RuntimeError):
    """The service rejected a request or is unreachable; the message says what to do (exit 1)."""


def with_retries(
    call: Callable[[], T],
    *,
    transient: Callable[[Exception], bool],
    explain: Callable[[Exception], str],
    look_up: Callable[[], T | None] = lambda: None,
) -> T:
    """Returns the result of `call`, retrying where that is safe.

    Args:
      call: The call.
      transient: Whether an error may be temporary.
      explain: The message for an error.
      look_up: Finds the result of an earlier attempt whose response was lost. It is called before
        each further attempt, so that nothing is created twice.

    Raises:
      ServiceError: If the error is permanent, or transient but persists after all attempts.
    """
    pause = PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            found = look_up() if attempt > 1 else None
            return found if found is not None else call()
        except Exception as error:
            if not transient(error):
                raise ServiceError(explain(error)) from error
            if attempt == ATTEMPTS:
                raise ServiceError(
                    f"{explain(error)} All {ATTEMPTS} attempts failed in this way; try again later."
                ) from error
            time.sleep(pause)
            pause *= 2
    raise AssertionError("unreachable")
