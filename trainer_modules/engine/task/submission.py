"""The form of the file of predictions for images without labels."""

from dataclasses import dataclass

from trainer_modules.engine.limits import check_choice

# The form of the label → the field of a prediction that shows it; see `bulk_predict.outputs`.
_FIELDS = {"name": "label", "number": "index"}


@dataclass(frozen=True, kw_only=True)
class Submission:
    """Columns of `submission.csv`, one row for each image of the `unlabelled` split.

    Attributes:
      id_column: Header of the image's id.
      label_column: Header of the predicted class.
      label: `name` shows the class by its name, `number` by its place among the problem's
        classes, counted from 0.
    """

    id_column: str = "id"
    label_column: str = "label"
    label: str = "name"

    def __post_init__(self) -> None:
        check_choice("submission.label", self.label, tuple(_FIELDS))
        for name in ("id_column", "label_column"):
            header = getattr(self, name)
            if not header.strip() or any(c in header for c in ',="\r\n'):
                raise ValueError(
                    f"submission.{name} must be a column header without comma, '=', quote or line "
                    f"break. Received: {header!r}"
                )
        if self.id_column == self.label_column:
            raise ValueError(
                "submission.id_column and submission.label_column must differ. "
                f"Received: {self.id_column!r} twice"
            )

    @property
    def columns(self) -> str:
        """The columns as `predict.py --columns` takes them: `image_id=id,label=index`."""
        return f"{self.id_column}=id,{self.label_column}={_FIELDS[self.label]}"
