"""Sets of labels as text: `cat|dog`, in the order of the classes; "" is the empty set."""

from collections.abc import Iterable, Sequence

from trainer_modules.engine.limits import check_distinct

SEPARATOR = "|"


def split(text: str, separator: str = SEPARATOR) -> tuple[str, ...]:
    """Returns the names in a set as written, without surrounding blanks; () for an empty text.

    An empty name between two separators is kept, since it is a mistake that must be reported.
    """
    return tuple(name.strip() for name in text.split(separator)) if text.strip() else ()


def joined(names: Iterable[str], classes: Sequence[str], separator: str = SEPARATOR) -> str:
    """Returns a set as text: each name once, in the order of `classes`, and no others."""
    present = set(names)
    return separator.join(name for name in classes if name in present)


def check_names(classes: Sequence[str], separator: str) -> None:
    """Checks that every set of these classes can be written as text and read again.

    Raises:
      ValueError: If a name repeats, is empty or has blanks around it, or contains the separator.
    """
    if not separator.strip():
        raise ValueError(f"separator must be a text that is not blank. Received: {separator!r}")
    check_distinct("classes", classes)
    for name in classes:
        if not name or name != name.strip() or separator in name:
            raise ValueError(
                f"a class must be a name without blanks around it and without '{separator}', which "
                f"stands between names (set problem.separator for another). Received: {name!r}"
            )
