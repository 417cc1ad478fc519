"""Sets of labels as text: `cat|dog`, in the order of the classes; "" is the empty set."""

from collections.abc import Iterable, Sequence

from trainer_modules.engine.limits import check_distinct
from trainer_modules.engine.problems.labels import LabelError

SEPARATOR = "|"


def split(text: str, separator: str = SEPARATOR) -> tuple[str, ...]:
    """Returns the names in a set as written, without surrounding blanks; () for an empty text.

    An empty name between two separators is kept, since it is a mistake that must be reported.
    """
    return tuple(name.strip() for name in text.split(separator)) if text.strip() else ()


def names_in(
    values: Iterable[str | bytes | int | float], separator: str = SEPARATOR
) -> tuple[str, ...]:
    """Returns all names in texts, not checked; bytes are UTF-8."""
    texts = [
        v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else str(v) for v in values
    ]
    return tuple(name for text in texts for name in split(text, separator))


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


def of_index(numbers: Sequence[int | float], known: Sequence[str]) -> list[str]:
    """Returns the names that numbers are the indices of.

    Raises:
      LabelError: If a number is not an index into `known`.
    """
    for number in numbers:
        if not isinstance(number, int) or not 0 <= number < len(known):
            raise LabelError(f"label {number} is not an index into {len(known)} classes")
    return [known[int(number)] for number in numbers]


def of_multi_hot(numbers: Sequence[int | float], known: Sequence[str]) -> list[str]:
    """Returns the names whose number is 1.

    Raises:
      LabelError: If there is not a 0 or 1 for each of `known`.
    """
    if len(numbers) != len(known) or not set(numbers) <= {0, 1}:
        raise LabelError(
            f"the label must be 0 or 1 for each of {len(known)} classes. Received: "
            f"{len(numbers)} numbers from {min(numbers):g} to {max(numbers):g}"
        )
    return [name for name, number in zip(known, numbers, strict=True) if number]
