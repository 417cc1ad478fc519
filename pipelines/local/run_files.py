"""Where the files of a run lie under `<root>/<name>`, and how they are written; cheap to import."""

import os
import tempfile

RUNS, LOGS, SUMMARY, REPORT = "runs", "logs", "summary.json", "report.html"


def summary_file(folder: str, run_id: str) -> str:
    """Returns where the summary of a run is archived.

    Args:
      folder: Where the runs of a name are kept, `<root>/<name>`.
      run_id: The run.
    """
    return os.path.join(folder, RUNS, run_id, SUMMARY)


def report_page(folder: str, run_id: str) -> str:
    """Returns where the report of a run is kept, if it drew one; arguments as above."""
    return os.path.join(folder, RUNS, run_id, REPORT)


def replace_file(path: str, text: str) -> None:
    """Writes a file such that readers see the old content or the new, never a part.

    Args:
      path: The file; its folder exists.
      text: What it shall hold.
    """
    with tempfile.NamedTemporaryFile(
        "w", dir=os.path.dirname(path), suffix=".tmp", delete=False, encoding="utf-8"
    ) as f:
        f.write(text)
    os.chmod(f.name, 0o644)
    os.replace(f.name, path)
