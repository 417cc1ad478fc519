"""The form of the file of predictions for images without labels."""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer_modules.engine.errors import BadInputError, did_you_mean
from trainer_modules.engine.limits import check_choice

_FORMS = ("name", "number", "value")


@dataclass(frozen=True, kw_only=True)
class Submission:
    """Columns of `submission.csv`, one row for each image of the `unlabelled` split.

    Attributes:
      id_column: Header of the image's id.
      label_column: Header of the prediction.
      label: `name` shows the class by its name, `number` by its place among the problem's
        classes, counted from 0; `value` shows the number that a regression predicts.
    """

    id_column: str = "id"
    label_column: str = "label"
    label: str = "name"

    def __post_init__(self) -> None:
        check_choice("submission.label", self.label, _FORMS)
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

    def columns(self, fields: Mapping[str, str]) -> str:
        """Returns the columns as `predict.py --columns` takes them: `image_id=id,label=index`.

        Args:
          fields: The forms that the problem has, `Problem.submission_fields`.

        Raises:
          BadInputError: If the problem does not have the form `label`.
        """
        if self.label not in fields:
            raise BadInputError(f"submission.label {did_you_mean(self.label, fields)}.")
        return f"{self.id_column}=id,{self.label_column}={fields[self.label]}"
