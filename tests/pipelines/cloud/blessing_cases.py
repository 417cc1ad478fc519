"""What judges may have said of a model, and what `submit --wait` makes of it."""

BLESSED = {"ModelGate": 1, "ServingCheck": 1}
CASES = [
    (BLESSED, 0, "the model is blessed"),
    ({**BLESSED, "ModelGate": 0}, 3, "nothing was pushed: ModelGate rejected it"),
    ({**BLESSED, "ServingCheck": 0}, 3, "nothing was pushed: ServingCheck rejected it"),
    (
        {"ServingCheck": 1},
        0,
        "cannot be read: the platform has no record of a blessing by ModelGate",
    ),
    ({"ModelGate": 0}, 3, "ModelGate rejected it"),
    ({**BLESSED, "ModelGate": None}, 0, "has no record of a blessing by ModelGate"),
]
