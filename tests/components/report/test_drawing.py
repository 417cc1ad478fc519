"""A chart as the page has it: colours of the page's CSS, text as text, the same every time."""

import re

from components.report.drawing import FIRST, drawing


def _drawn(title: str) -> str:
    with drawing(title) as chart:
        chart.axes.plot([0, 1], [0, 1], color=FIRST, label="a <b> $x$")
        chart.axes.legend()
    return str(chart.svg)


def test_a_chart_takes_its_colours_from_the_page() -> None:
    svg = _drawn("Labels & more")
    assert svg.startswith("<svg") and 'aria-label="Labels &amp; more"' in svg
    assert "var(--series-1)" in svg and not re.search(r"#00000\d", svg)
    assert "a &lt;b&gt; $x$" in svg
    # The page decides how large it is.
    assert not re.match(r"<svg[^>]*? (width|height)=", svg)


def test_the_same_chart_is_the_same_text_and_another_has_other_ids() -> None:
    assert _drawn("one") == _drawn("one")
    ids = [set(re.findall(r'id="([^"]+)"', _drawn(title))) for title in ("one", "two")]
    clips = [{name for name in found if re.match(r"p[0-9a-f]{8,}", name)} for found in ids]
    assert clips[0] and not clips[0] & clips[1]
