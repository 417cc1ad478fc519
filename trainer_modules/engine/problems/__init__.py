"""The kinds of problem, each in one file that owns everything about it.

`contract.Problem` says what a kind must answer. A new kind is a file in this folder and its line
below; the rest of the project knows kinds only through the contract.
"""

from trainer_modules.engine.problems.binary import Binary
from trainer_modules.engine.problems.classification import Classification
from trainer_modules.engine.problems.contract import Problem
from trainer_modules.engine.problems.imagenet import ImageNet
from trainer_modules.engine.problems.labels import LabelError
from trainer_modules.engine.problems.multilabel import MultiLabel
from trainer_modules.engine.problems.regression import Regression
from trainer_modules.engine.problems.segmentation import Segmentation

KINDS: tuple[type[Problem], ...] = (
    Classification,
    Binary,
    ImageNet,
    MultiLabel,
    Regression,
    Segmentation,
)
"""Every kind that a task may name and a stored task may contain."""

__all__ = [
    "KINDS",
    "Binary",
    "Classification",
    "ImageNet",
    "LabelError",
    "MultiLabel",
    "Problem",
    "Regression",
    "Segmentation",
]
