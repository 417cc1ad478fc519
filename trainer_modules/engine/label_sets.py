"""Sets of labels as text: `cat|dog`, in the order of the classes; "" is the empty set."""

from collections.abc import Iterable, Sequence

SEPARATOR = "|"


def split(text: str) -> tuple[str, ...]:
    """Returns the names in a set as written, without surrounding blanks; () for an empty text.

    An empty name between two separators is kept, since it is a mistake that must be reported.
    """
    return tuple(name.strip() for name in text.split(SEPARATOR)) if text.strip() else ()


def joined(names: Iterable[str], classes: Sequence[str]) -> str:
    """Returns a set as text: each name once, in the order of `classes`.

    Args:
      names: Class names; all must be in `classes`.
      classes: The class names.
    """
    present = set(names)
    return SEPARATOR.join(name for name in classes if name in present)


def multi_hot(text: Sequence[str] | str, classes: Sequence[str]) -> list[int]:
    """Returns 1 for each class in a set (as text or names), else 0, in the order of `classes`."""
    present = set(split(text) if isinstance(text, str) else text)
    return [int(name in present) for name in classes]
