"""One check of `doctor` and its result."""

from collections.abc import Callable
from dataclasses import dataclass

OK, STOPS, UNKNOWN = "ok", "will stop", "cannot tell"
# Seconds to connect, and to receive a response.
TIMEOUT = (5.0, 15.0)


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    Attributes:
      state: `OK`, `STOPS` or `UNKNOWN`.
      said: One sentence.
      mend: The remedy, or a command that can tell; "" if all is well.
    """

    state: str
    said: str
    mend: str = ""


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
      name: Two or three words.
      look: Runs the check; network errors that it raises become `UNKNOWN`.
    """

    name: str
    look: Callable[[], Finding]
