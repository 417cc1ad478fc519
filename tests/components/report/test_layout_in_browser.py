"""What a picky eye sees: words in one piece, labels that do not touch, a phone's class cards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.report import page
from tests.components.report import accessibility, browser, other_runs, runs

LONG = (
    "strawberry_shortcake",
    "spaghetti_carbonara",
    "Right-of-way at the next intersection",
    "lobster_roll_sandwich",
    "End of no passing for vehicles over 3.5 t",
)
SCREENS = [("light", 0), ("dark", 0), ("light", 390), ("dark", 390)]
PAGES_AND_SCREENS = [("long", *s) for s in SCREENS]
PAGES_AND_SCREENS += [
    (name, *s)
    for name in ("masks", "regression", "image_regression", "label_sets")
    for s in (SCREENS[0], SCREENS[3])
]


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser.browser() as found:
        found.set_script_timeout(120)
        yield found


def _phases(count: int) -> dict[str, Any]:
    """A history of many short phases, which start close to one another."""
    history = runs.history(40, 1)
    first = history["phases"][0]
    history["phases"] = [
        {**first, "name": f"phase {n}", "first_epoch": e, "trainable": f"Last(layers={n})"}
        for n, e in enumerate((1, 2, 3, 5, 20, 40)[:count])
    ]
    return history


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of long names, of many classes, of masks, of a table and of numbers."""
    found = {}
    made = {
        "long": lambda f: runs.full(f, LONG, 400, history=_phases(6)),
        "many": lambda f: runs.full(f, tuple(f"{LONG[i % 5]} {i}" for i in range(43)), 3000),
        "masks": lambda f: other_runs.masks(f),
        "regression": lambda f: other_runs.regression(),
        "image_regression": lambda f: other_runs.image_regression(),
        "label_sets": lambda f: other_runs.label_sets(),
    }
    for name, make in made.items():
        folder = tmp_path_factory.mktemp(name)
        found[name] = folder / "index.html"
        found[name].write_text(page.render(make(folder)), encoding="utf-8")
    return found


def test_axe_sees_a_fault(driver: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text("<html lang=en><title>x</title><main><h1>x</h1><img src='data:,'></main>")
    browser.load(driver, broken)
    assert "image-alt" in "".join(accessibility.violations(driver))


@pytest.mark.parametrize(("name", "scheme", "width"), PAGES_AND_SCREENS)
def test_axe_has_nothing_to_say(
    driver: Any, pages: dict[str, Path], name: str, scheme: str, width: int
) -> None:
    browser.emulate(driver, scheme=scheme, width=width)
    browser.load(driver, pages[name])
    driver.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    try:
        assert accessibility.violations(driver) == []
        for opener in (".cell-opener", "button.open"):
            driver.execute_script("document.querySelector(arguments[0])?.click()", opener)
            assert accessibility.violations(driver) == []
            driver.execute_script("document.querySelectorAll('dialog').forEach((d) => d.close())")
    finally:
        browser.emulate(driver)


_BROKEN_WORDS = """
const broken = [];
const walker = document.createTreeWalker(document.querySelector('body'), NodeFilter.SHOW_TEXT);
for (let node; (node = walker.nextNode()); ) {
  const around = node.parentElement;
  if (!around.checkVisibility() || around.closest('pre, svg, script')) continue;
  for (const word of node.data.matchAll(/[^\\s–-]+/g)) {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const lines = new Set([...range.getClientRects()].map((r) => Math.round(r.top)));
    if (lines.size > 1) broken.push(word[0]);
  }
}
return broken;
"""


@pytest.mark.parametrize("width", [0, 390])
@pytest.mark.parametrize("name", ["long", "many", "masks", "regression", "image_regression"])
def test_words_stay_in_one_piece(
    driver: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.emulate(driver, width=width)
    browser.load(driver, pages[name])
    driver.execute_script("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    broken = driver.execute_script(_BROKEN_WORDS)
    sideways = driver.execute_script("return document.documentElement.scrollWidth")
    browser.emulate(driver)
    assert broken == []
    assert not width or sideways == width, "the page itself must not scroll sideways"


_TOUCHING = """
const touching = [];
const meet = (a, b) =>
  a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
for (const chart of document.querySelectorAll('svg.chart')) {
  const frame = chart.getBoundingClientRect();
  const boxes = [...chart.querySelectorAll('text')].map((t) => [
    t.textContent.trim(), t.getBoundingClientRect(),
  ]);
  boxes.forEach(([text, a], i) => {
    if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1)
      touching.push(`${text} leaves its chart`);
    for (const [other, b] of boxes.slice(i + 1))
      if (meet(a, b)) touching.push(`${text} on ${other}`);
  });
}
return touching;
"""


@pytest.mark.parametrize("width", [0, 390])
@pytest.mark.parametrize("name", ["long", "many", "regression"])
def test_labels_of_charts_do_not_touch(
    driver: Any, pages: dict[str, Path], name: str, width: int
) -> None:
    browser.emulate(driver, width=width)
    browser.load(driver, pages[name])
    touching = driver.execute_script(_TOUCHING)
    charts = driver.execute_script("return document.querySelectorAll('svg.chart text').length")
    browser.emulate(driver)
    assert charts > 10 and touching == []


@pytest.mark.parametrize("width", [0, 390])
def test_names_along_the_matrix_do_not_touch(
    driver: Any, pages: dict[str, Path], width: int
) -> None:
    browser.emulate(driver, width=width)
    browser.load(driver, pages["many"])
    driver.execute_async_script("setTimeout(arguments[0], 200)")
    pitch = float(driver.find_element("id", "matrix").get_attribute("data-pitch"))
    browser.emulate(driver)
    assert pitch >= 12, "the names are 10.5 px high"


def test_a_phone_shows_each_class_as_a_card(driver: Any, pages: dict[str, Path]) -> None:
    browser.emulate(driver, width=390)
    browser.load(driver, pages["many"])
    read = """
    const row = document.querySelector('#class-table tbody tr');
    const box = document.getElementById('class-table').getBoundingClientRect();
    return {
      inside: [...row.cells].every((c) => c.getBoundingClientRect().right <= box.right + 1),
      labels: [...row.cells].slice(1).map((c) => getComputedStyle(c, '::before').content),
      width: box.width,
      name: row.cells[0].getBoundingClientRect().width,
    };
    """
    found = driver.execute_script(read)
    heads = driver.find_elements("css selector", "#class-table thead button")
    first = driver.find_element("css selector", "#class-table tbody th").text
    for _ in range(2):
        driver.execute_script("arguments[0].click()", heads[0])
    sorted_first = driver.find_element("css selector", "#class-table tbody th").text
    shown = [head.is_displayed() for head in heads]
    browser.emulate(driver)
    assert found["inside"] and found["name"] > 0.9 * found["width"] - 4
    assert found["labels"] == [f'"{n}"' for n in ("precision", "recall", "F1", "support", "change")]
    assert all(shown) and first != sorted_first, "a phone can sort, too"


def test_dark_samples_are_dark(driver: Any, pages: dict[str, Path]) -> None:
    browser.emulate(driver, scheme="dark")
    browser.load(driver, pages["long"])
    colours = driver.execute_script(
        "return ['#samples', '#samples figure'].map((q) => "
        "getComputedStyle(document.querySelector(q)).backgroundColor)"
    )
    labels = driver.execute_script(
        "return document.querySelectorAll('#samples figcaption .predicted').length"
    )
    browser.emulate(driver)
    for colour in colours:
        assert sum(int(v) for v in colour[colour.index("(") + 1 : -1].split(",")[:3]) < 200
    assert labels == 32
