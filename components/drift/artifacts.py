"""DriftCheck's artifact: what it compared and found."""

from tfx.types.artifact import Artifact

FINDINGS, PLOTS = "drift.json", "plots.json"

NONE, WARNED, STOPPED, HELD = "none", "warned", "stopped", "held"
NOT_COMPARED = "not_compared"
"""What `drift.json` has as its `status`."""


class DriftFindings(Artifact):
    """A folder with `drift.json` and, for the report, `plots.json`.

    `drift.json` holds `status`, `findings` (what drifted: `what`, `against`, `sentence`, `value`,
    `threshold`, `p_value`), `comparisons` (all of them, with `drifted`), `notes` (what was not
    compared, and why), and `samples` (`newest`, `window`, `champion`, as far as they exist: `name`
    and number of `examples`).
    """

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.DriftFindings"
