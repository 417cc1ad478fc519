"""The report opened in a real browser, from disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.report import page
from tests.components.report import browser, runs

MANY = tuple(f"class {i}" for i in range(101))


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser.browser() as found:
        yield found


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a model whose classes have names that want to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "index.html"
    path.write_text(page.render(runs.full(folder, runs.HOSTILE, 400)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10,000 examples of 101 classes."""
    folder = tmp_path_factory.mktemp("many")
    path = folder / "index.html"
    path.write_text(page.render(runs.full(folder, MANY, 10_000)), encoding="utf-8")
    return path


def _texts(driver: Any, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())"
    found: list[str] = driver.execute_script(script, selector)
    return found


@pytest.mark.parametrize("name", ["hostile", "many"])
def test_opens_without_errors_and_without_network(
    driver: Any, name: str, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(name)
    browser.load(driver, path)
    driver.execute_async_script("setTimeout(arguments[0], 300)")
    assert browser.errors(driver) == []
    assert browser.requests(driver, path) == []
    assert _texts(driver, ".failure") == []


def test_hostile_names_are_text(driver: Any, hostile: Path) -> None:
    browser.load(driver, hostile)
    assert set(_texts(driver, "#class-table tbody th")) == set(runs.HOSTILE)
    scripts = driver.execute_script("return [...document.scripts].map((s) => s.textContent)")
    assert not any(text.strip().startswith("alert") for text in scripts)
    assert driver.execute_script("return document.querySelectorAll('[onerror]').length") == 0
    assert "<b>broken</b>" in _texts(driver, "#rejected tbody td")[0]
    # Right-to-left names are kept apart from the text around them.
    isolated = driver.execute_script(
        "return [...document.querySelectorAll('#class-table bdi')].map((e) => "
        "getComputedStyle(e).unicodeBidi)"
    )
    assert set(isolated) == {"isolate"}


def test_tables_sort_by_number_and_by_name(driver: Any, many: Path) -> None:
    browser.load(driver, many)

    def column(number: int) -> list[str]:
        return _texts(driver, f"#class-table tbody tr > :nth-child({number})")

    f1 = [float(text) for text in column(4)]
    assert f1 == sorted(f1) and len(f1) == 101
    buttons = driver.find_elements("css selector", "#class-table thead button")
    buttons[3].click()
    assert [float(text) for text in column(4)] == sorted(f1, reverse=True)
    buttons[3].click()
    assert [float(text) for text in column(4)] == f1
    buttons[0].click()
    assert column(1) == list(MANY), "names sort as people count: 'class 2' before 'class 10'"
    heads = driver.find_elements("css selector", "#class-table thead th")
    assert [head.get_attribute("aria-sort") for head in heads][:4] == [
        "ascending",
        None,
        None,
        None,
    ]


def test_classes_can_be_found(driver: Any, many: Path) -> None:
    browser.load(driver, many)
    driver.find_element("css selector", "#classes input[type=search]").send_keys("CLASS 10")
    shown = driver.execute_script(
        "return [...document.querySelectorAll('#class-table tbody tr')].filter((r) => !r.hidden)"
        ".map((r) => r.cells[0].textContent)"
    )
    assert set(shown) == {"class 10", "class 100"}


@pytest.mark.parametrize(("name", "true", "predicted"), [("hostile", 0, 1), ("many", 57, 58)])
def test_matrix_answers_to_hover(
    driver: Any, name: str, true: int, predicted: int, request: pytest.FixtureRequest
) -> None:
    from selenium.webdriver import ActionChains

    names = runs.HOSTILE if name == "hostile" else MANY
    browser.load(driver, request.getfixturevalue(name))
    cells = driver.execute_script(
        "return JSON.parse(document.getElementById('matrix-data').textContent).cells"
    )
    (count,) = [c for t, p, c in cells if (t, p) == (true, predicted)]
    support = sum(c for t, _, c in cells if t == true)
    canvas = driver.find_element("id", "matrix")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    driver.execute_async_script("setTimeout(arguments[0], 200)")
    size, margin = canvas.size["width"], float(canvas.get_attribute("data-margin"))
    cell = (size - 1 - margin) / len(names)
    x, y = margin + cell * (predicted + 0.5), margin + cell * (true + 0.5)
    empty = next(p for p in range(len(names)) if (true, p) not in {(t, p) for t, p, _ in cells})
    drawn, ground = (
        driver.execute_script(
            _PIXEL, canvas, margin + cell * (p + 0.25), margin + cell * (true + 0.25)
        )
        for p in (predicted, empty)
    )
    assert drawn != ground, "a cell with a count looks like one without"
    ActionChains(driver).move_to_element_with_offset(
        canvas, round(x - size / 2), round(y - size / 2)
    ).perform()
    tip = driver.find_element("id", "tip")
    assert tip.is_displayed()
    text = tip.get_attribute("textContent")
    assert f"{count} examples" in text
    assert f"of {support:,}" in text
    assert f"true {names[true]}predicted {names[predicted]}" in text
    driver.execute_script("arguments[0].dispatchEvent(new Event('pointerleave'))", canvas)
    assert not tip.is_displayed()


_PIXEL = """
const [canvas, x, y] = arguments, ratio = canvas.width / canvas.clientWidth;
return [...canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data].join();
"""


def test_matrix_answers_to_the_keyboard(driver: Any, hostile: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.load(driver, hostile)
    canvas = driver.find_element("id", "matrix")
    canvas.send_keys(Keys.ARROW_RIGHT)
    canvas.send_keys(Keys.ARROW_RIGHT)
    readout = driver.find_element("id", "matrix-readout").get_attribute("textContent")
    assert runs.HOSTILE[0] in readout and runs.HOSTILE[1] in readout


def test_galleries_show(driver: Any, hostile: Path) -> None:
    browser.load(driver, hostile)
    driver.execute_async_script(
        "Promise.all([...document.images].map((i) => i.decode())).then(() => arguments[0]())"
    )
    for selector in (
        "#most_wrong figure.wrong",
        "#predictions figure.right",
        "#predictions .wrong",
    ):
        assert len(driver.find_elements("css selector", selector)) > 5
    broken = driver.execute_script(
        "return [...document.images].filter((i) => !i.complete || !i.naturalWidth).length"
    )
    assert broken == 0
    colours = {
        kind: driver.execute_script(
            "return getComputedStyle(document.querySelector(arguments[0])).color",
            f"#predictions .{kind} .predicted",
        )
        for kind in ("right", "wrong")
    }
    assert colours["right"] != colours["wrong"]
    first = _texts(driver, "#most_wrong figcaption")[0]
    assert "%" in first and "is" in first


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_follows_the_theme(driver: Any, hostile: Path, scheme: str) -> None:
    browser.emulate(driver, scheme=scheme)
    browser.load(driver, hostile)
    ground, ink, line = driver.execute_script(
        "const s = (q) => getComputedStyle(document.querySelector(q));"
        "return [s('body').backgroundColor, s('body').color, s('svg.chart text').fill]"
    )
    browser.emulate(driver)

    def light(colour: str) -> bool:
        return sum(map(int, colour[colour.index("(") + 1 : -1].split(",")[:3])) > 384

    assert light(ground) == (scheme == "light")
    assert light(ink) == light(line) == (scheme == "dark")


def test_fits_a_phone(driver: Any, many: Path) -> None:
    browser.emulate(driver, width=390)
    browser.load(driver, many)
    width = driver.execute_script("return document.documentElement.scrollWidth")
    browser.emulate(driver)
    assert width == 390, "the page itself must not scroll sideways"


def test_large_report_is_small_and_light(driver: Any, many: Path) -> None:
    assert many.stat().st_size < 1_000_000
    browser.load(driver, many)
    nodes = driver.execute_script("return document.querySelectorAll('*').length")
    assert nodes < 10_000, "the matrix alone would have 10,201 if it were not a canvas"
