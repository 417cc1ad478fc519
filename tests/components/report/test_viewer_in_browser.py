"""Pictures and their names, by mouse and by keyboard, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.report import page
from tests.components.report import browser, runs


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with browser.browser() as found:
        yield found


@pytest.fixture(scope="module")
def signs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose classes have names for people, two of them with markup in it."""
    folder = tmp_path_factory.mktemp("signs")
    found = runs.full(folder, runs.HOSTILE, 600)
    found.task["display"] = {
        "type": "Display",
        "names": [[runs.HOSTILE[0], "End of <i>no passing</i>"], ["roses", "Roses & more"]],
        "maps": [],
    }
    path = folder / "index.html"
    path.write_text(page.render(found), encoding="utf-8")
    return path


def _active(driver: Any) -> Any:
    return driver.execute_script("return document.activeElement")


def _press(driver: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def _copied(driver: Any) -> str:
    """What the page would have put into the clipboard, which a headless browser has not."""
    return driver.execute_script("return window.copied")


def _watch_clipboard(driver: Any) -> None:
    driver.execute_script(
        "Object.defineProperty(navigator, 'clipboard', {value: "
        "{writeText: async (text) => { window.copied = text; }}})"
    )


def test_every_picture_has_its_name_beside_it(driver: Any, signs: Path) -> None:
    browser.load(driver, signs)
    missing = driver.execute_script(
        "return [...document.querySelectorAll('.gallery img')].map((i) => i.closest('figure'))"
        ".filter((f) => f.querySelector('.file').textContent !== f.dataset.id"
        " || !f.querySelector('.file').checkVisibility()).length"
    )
    count = driver.execute_script("return document.querySelectorAll('.gallery img').length")
    assert missing == 0 and count > 60


def test_a_click_on_a_name_selects_it_whole(driver: Any, signs: Path) -> None:
    browser.load(driver, signs)
    name = driver.find_element("css selector", "#most_wrong .file")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", name)
    name.click()
    assert driver.execute_script("return getSelection().toString()") == name.text.replace("\n", "")


def test_all_names_of_a_gallery_are_copied_at_once(driver: Any, signs: Path) -> None:
    browser.load(driver, signs)
    _watch_clipboard(driver)
    for section in ("most_wrong", "samples"):
        ids = driver.execute_script(
            "return [...document.querySelector(arguments[0]).querySelectorAll('figure')]"
            ".map((f) => f.dataset.id)",
            f"#{section} .gallery",
        )
        driver.execute_script(f"document.querySelector('#{section} .copy-names').click()")
        assert _copied(driver) == "\n".join(ids)
    assert "Copied" in driver.find_element("id", "said").get_attribute("textContent")


def test_without_a_clipboard_the_old_way_copies(driver: Any, signs: Path) -> None:
    browser.load(driver, signs)
    driver.execute_script(
        "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
        "document.execCommand = () => { window.copied = document.activeElement.value; }"
    )
    driver.execute_script("document.querySelector('#most_wrong button.open').click()")
    driver.find_element("id", "viewer-copy").click()
    assert _copied(driver) == driver.find_element("id", "viewer-title").text.replace("\n", "")


def test_pictures_enlarge_and_turn_by_keyboard_alone(driver: Any, signs: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.load(driver, signs)
    first, second = driver.find_elements("css selector", "#most_wrong button.open")[:2]
    small = first.size["width"]
    driver.execute_script("arguments[0].focus()", first)
    _press(driver, Keys.ENTER)
    viewer, image = (driver.find_element("id", name) for name in ("viewer", "viewer-image"))
    title = driver.find_element("id", "viewer-title")
    assert viewer.is_displayed() and image.size["width"] > 2 * small
    assert _active(driver).id == title.id
    first_name = first.find_element("xpath", "..").get_attribute("data-id")
    assert title.get_attribute("textContent") == first_name
    assert "is " in driver.find_element("id", "viewer-caption").text
    _press(driver, Keys.ARROW_RIGHT)
    second_name = second.find_element("xpath", "..").get_attribute("data-id")
    assert title.get_attribute("textContent") == second_name
    shown = driver.execute_script(
        "const small = arguments[0].querySelector('img');"
        "return document.getElementById('viewer-image').src === small.src",
        second,
    )
    assert shown
    # Focus stays inside, however often one goes on.
    for _ in range(8):
        _press(driver, Keys.TAB)
        assert driver.execute_script(
            "return document.activeElement === document.body || "
            "document.getElementById('viewer').contains(document.activeElement)"
        )
    _press(driver, Keys.ESCAPE)
    assert not viewer.is_displayed()
    assert _active(driver).id == second.id, "focus goes to the picture that was looked at last"


@pytest.mark.parametrize("way", ["click", "keyboard", "pair"])
def test_a_cell_opens_its_pictures(driver: Any, signs: Path, way: str) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser.load(driver, signs)
    canvas = driver.find_element("id", "matrix")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    driver.execute_async_script("setTimeout(arguments[0], 200)")
    if way == "click":
        size, margin = canvas.size["width"], float(canvas.get_attribute("data-margin"))
        cell = (size - 1 - margin) / len(runs.HOSTILE)
        x, y = margin + cell * 1.5, margin + cell * 0.5
        moved = ActionChains(driver).move_to_element_with_offset(
            canvas, round(x - size / 2), round(y - size / 2)
        )
        moved.click().perform()
        opener = canvas
    elif way == "keyboard":
        driver.execute_script("arguments[0].focus()", canvas)
        _press(driver, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ENTER)
        opener = canvas
    else:
        opener = driver.find_element("css selector", ".cell-opener[data-cell='0,1']")
        driver.execute_script("arguments[0].focus()", opener)
        _press(driver, Keys.ENTER)
    dialog = driver.find_element("id", "cell")
    assert dialog.is_displayed()
    figures = dialog.find_elements("css selector", "figure")
    count = driver.execute_script(
        "return JSON.parse(document.getElementById('matrix-data').textContent)"
        ".cells.find(([t, p]) => t === 0 && p === 1)[2]"
    )
    assert 4 <= len(figures) <= count
    assert str(count) in driver.find_element("id", "cell-note").text
    title = driver.find_element("id", "cell-title").get_attribute("textContent")
    assert title == f"End of <i>no passing</i> {runs.HOSTILE[0]} mistaken for {runs.HOSTILE[1]}"
    for figure in figures:
        assert runs.HOSTILE[1] in figure.find_element("css selector", ".predicted").text
        assert figure.find_element("css selector", ".file").text.replace("\n", "")
    loaded = driver.execute_async_script(
        "Promise.all([...document.querySelectorAll('#cell img')].map((i) => i.decode()))"
        ".then(() => arguments[0](true), () => arguments[0](false))"
    )
    assert loaded
    # A picture in it enlarges, above it; closing comes back to it, and then to where one was.
    figures[0].find_element("css selector", "button.open").send_keys(Keys.ENTER)
    assert driver.find_element("id", "viewer").is_displayed()
    _press(driver, Keys.ESCAPE)
    assert dialog.is_displayed() and not driver.find_element("id", "viewer").is_displayed()
    _press(driver, Keys.ESCAPE)
    assert not dialog.is_displayed()
    assert _active(driver).id == opener.id


def test_an_empty_cell_opens_nothing(driver: Any, signs: Path) -> None:
    browser.load(driver, signs)
    driver.execute_script(
        "document.dispatchEvent(new CustomEvent('cell', {detail: {true: 0, predicted: 99}}))"
    )
    assert not driver.find_element("id", "cell").is_displayed()


def test_display_names_stand_beside_the_real_ones(driver: Any, signs: Path) -> None:
    browser.load(driver, signs)
    names = driver.execute_script(
        "return [...document.querySelectorAll('#class-table tbody th')].map((e) => e.textContent)"
    )
    assert "Roses & more roses" in names
    assert f"End of <i>no passing</i> {runs.HOSTILE[0]}" in names and "🌷 tulip" in names
    assert driver.execute_script("return document.querySelectorAll('main i').length") == 0
    gates = driver.execute_script(
        "return [...document.querySelectorAll('.gates li')].map((e) => e.textContent.trim())"
    )
    assert any("recall of roses" in text and text.endswith("Roses & more") for text in gates)
