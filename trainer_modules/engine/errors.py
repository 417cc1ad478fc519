"""The errors that a person can act on.

Both become one paragraph on the terminal, without a traceback.
"""

import difflib
from collections.abc import Iterable


class BadInputError(ValueError):
    """The data, a file or a setting is wrong; the message says which and what to do (exit 2)."""


class TrainingError(RuntimeError):
    """Training itself went wrong, for example a loss that became NaN (exit 1)."""


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """Returns `"must be one of a, b. Received: 'c' (did you mean 'b'?)"` for an unknown `word`.

    Args:
      word: What was received.
      valid: The accepted values, in the order to show.
    """
    choices = [str(v) for v in valid]
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return f"must be one of {', '.join(choices) or '(nothing)'}. Received: '{word}'{hint}"
