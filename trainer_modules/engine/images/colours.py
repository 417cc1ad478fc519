"""Colours of classes: the task's own, and consistent colours for classes without one."""

from collections.abc import Iterator, Sequence

Colour = tuple[int, int, int]


def complete(given: Sequence[Sequence[int]], count: int) -> tuple[Colour, ...]:
    """Returns `count` RGB colours, 0..255: the given ones, then further distinct ones.

    The further ones are those of the PASCAL VOC colour map (the devkit's `VOCcolormap`), whose
    black stands for pixels without a class and is left out.
    """
    first = [(int(r), int(g), int(b)) for r, g, b in given[:count]]
    free = (colour for colour in _voc() if colour not in first)
    return (*first, *(next(free) for _ in range(count - len(first))))


def _voc() -> Iterator[Colour]:
    index = 0
    while True:
        index += 1
        bits, colour = index, [0, 0, 0]
        for shift in range(7, -1, -1):
            for channel in range(3):
                colour[channel] |= ((bits >> channel) & 1) << shift
            bits >>= 3
        yield colour[0], colour[1], colour[2]
