"""Display settings of a task: names and maps that affect neither training nor serving."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Display:
    """Names and heat maps for reports and terminals.

    Labels, metrics, predictions and files keep the real names.

    Attributes:
      names: (class name, display name) pairs; other classes are shown with their own name.
      heat_maps: Classes of a segmentation whose probability the report of a network that is not
        trained draws as heat maps.
    """

    names: tuple[tuple[str, str], ...] = ()
    heat_maps: tuple[str, ...] = ()

    def name(self, label: str) -> str:
        """Returns the display name of the class `label`."""
        return dict(self.names).get(label, label)

    def both(self, label: str) -> str:
        """Returns the class as one line of text: `End of no passing (41)`."""
        shown = self.name(label)
        return shown if shown == label else f"{shown} ({label})"

    def check(self, classes: tuple[str, ...]) -> None:
        """Checks that every name is one of a class.

        Args:
          classes: The task's classes.

        Raises:
          ValueError: If a name is not a class.
        """
        for field, used in (
            ("names", [label for label, _ in self.names]),
            ("heat_maps", self.heat_maps),
        ):
            strangers = [label for label in used if label not in classes]
            if strangers:
                raise ValueError(
                    f"display.{field} must name classes of the problem. Received: "
                    f"{', '.join(strangers)}"
                )
