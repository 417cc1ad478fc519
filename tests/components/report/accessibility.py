"""What axe-core finds on a page: whatever keeps people from seeing, reaching or hearing it."""

from importlib import resources
from typing import Any

_RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then((found) => done(
  found.violations.map((v) => `${v.id} (${v.impact}): ${v.help}: ` +
    v.nodes.slice(0, 4)
      .map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | "))
));
"""


def violations(driver: Any) -> list[str]:
    """Returns a line for each rule of axe-core that the page in the browser breaks."""
    package = resources.files("selenium_axe_python")
    driver.execute_script((package / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found: list[str] = driver.execute_async_script(_RUN)
    return found
