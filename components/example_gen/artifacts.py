"""The artifact that lists the inputs that did not become Examples, and why."""

from tfx.types.artifact import Artifact


class RejectedExamples(Artifact):
    """A folder with the rejected examples and the counts of all.

    `rejected.jsonl` holds one JSON object a line: `id`, `split` ("" where unknown), `reason`.
    `converted.jsonl` the same for images that became PNG: `id`, `split`, `format` as found, `note`.
    `summary.json` holds `counts` (readable examples per split), `rejected` (how many),
    `rejected_per_split`, `converted` and `duplicates` (each with `count`, and `listed`: the first
    of them; duplicates with `id`, `split` and `kept`, the id of the copy that was kept), `classes`
    (split → class → examples; for masks, examples that show the class) and `formats` (format as
    found → examples).
    """

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.RejectedExamples"
