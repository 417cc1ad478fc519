"""The artifact that lists the inputs that did not become Examples, and why."""

from tfx.types.artifact import Artifact

SPANS = "spans.json"


class RejectedExamples(Artifact):
    """A folder with the rejected examples and the counts of all.

    `rejected.jsonl` holds one JSON object a line: `id`, `split` ("" where unknown), `reason`.
    `converted.jsonl` the same for images that became PNG: `id`, `split`, `format` as found, `note`.
    `summary.json` holds `counts` (readable examples per split), `rejected` (how many),
    `rejected_per_split`, `converted` and `duplicates` (each with `count`, and `listed`: the first
    of them; duplicates with `id`, `split` and `kept`, the id of the copy that was kept), `classes`
    (split → class → examples; for masks, examples that show the class) and `formats` (format as
    found → examples).

    `spans.json` is a list with an entry for each span that was read, oldest first (one with the
    name "" where the data has no spans): `span` (its folder), `number`, `version`, `newest`
    (whether no other is newer), `judged` (whether its held-out examples alone are evaluated),
    `counts`, `classes`, `rejected`, `duplicates`, and `sha256`, a hash of content, label and split
    of everything that was kept. `records` is a folder of Parquet files with a row for each kept
    example: `id`, `span`, `split`, `label`, `digest` (SHA-256 of its bytes), `shard` (the file that
    holds it), `height`, `width`, `channels`, `format`, `brightness`. Older artifacts have neither.
    """

    # Kubeflow imports the class by this name; `components` has it as an attribute.
    TYPE_NAME = "components.RejectedExamples"
