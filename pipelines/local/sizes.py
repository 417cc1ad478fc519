"""How many bytes look in words."""

_UNITS = ("B", "KB", "MB", "GB", "TB")


def in_words(size: int | None) -> str:
    """Returns a number of bytes with two or three digits and its decimal unit; – for none."""
    if size is None:
        return "–"
    value, unit = float(size), _UNITS[0]
    for unit in _UNITS:
        if value < 999.5 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{value:,.0f} {unit}"
