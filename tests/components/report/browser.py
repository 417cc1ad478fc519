"""A real browser for tests: Debian's Chromium, headless, that tells what it asked the network."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Looking the browser up must not lead to a download.
os.environ["SE_OFFLINE"] = "true"
_CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
_DRIVER = shutil.which("chromedriver")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1280,1000",
)


@contextmanager
def browser() -> Iterator[Any]:
    """Yields a selenium driver; skips the test where there is no Chromium."""
    if not _CHROMIUM or not _DRIVER:
        pytest.skip("needs chromium and chromium-driver: apt-get install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = _CHROMIUM
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options=options, service=Service(_DRIVER))
        try:
            emulate(driver)
            yield driver
        finally:
            driver.quit()


def load(driver: Any, page: Path) -> None:
    """Opens a file, with the logs of earlier pages dropped."""
    driver.get_log("browser"), driver.get_log("performance")
    driver.get(page.as_uri())


def errors(driver: Any) -> list[str]:
    """Returns what the page wrote to the console."""
    return [entry["message"] for entry in driver.get_log("browser")]


def requests(driver: Any, page: Path) -> list[str]:
    """Returns every URL that was asked for, the page's own and inlined data apart."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert page.as_uri() in urls, "the log did not see the page itself"
    return [url for url in urls if url != page.as_uri() and not url.startswith("data:")]


def emulate(driver: Any, *, scheme: str = "light", width: int = 0, height: int = 844) -> None:
    """Chooses the reader's theme, and a phone's screen where `width` is set."""
    features = [
        {"name": "prefers-color-scheme", "value": scheme},
        # Smooth scrolling would still be under way when the pointer arrives.
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    if width:
        screen = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    else:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
