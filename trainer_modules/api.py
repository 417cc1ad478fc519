"""Everything that a task file needs, in one import; importing it does not import TensorFlow.

    from trainer_modules.api import Classification, ImageFolders, Task, entry_points

The names come from `engine`, where each has its documentation; `docs/tasks.md` lists every field.
This file only imports: a step's cache key follows a name from here to the module that defines it
(`engine/import_closure.py`), so no step depends on more for a task that is written with it.
"""

from trainer_modules.engine.entry import entry_points
from trainer_modules.engine.problems import (
    Binary,
    Classification,
    ImageNet,
    MultiLabel,
    Regression,
    Segmentation,
)
from trainer_modules.engine.task.display import Display
from trainer_modules.engine.task.drift import Drift
from trainer_modules.engine.task.gates import AtLeast, AtMost, BetterThanChance, NoWorse
from trainer_modules.engine.task.hyperparameters import Choice, Range
from trainer_modules.engine.task.layers import (
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Layer,
    MaxPool,
    Rescale,
)
from trainer_modules.engine.task.learning_rates import Cosine, Exponential
from trainer_modules.engine.task.recipe import (
    Augment,
    EarlyStopping,
    Optimizer,
    ReduceOnPlateau,
    Training,
    Warm,
)
from trainer_modules.engine.task.saved_network import SavedNetwork
from trainer_modules.engine.task.sources import (
    Bundled,
    HashSplit,
    ImageFiles,
    ImageFolders,
    ImageLists,
    ImagesAndMasks,
    LabelledPaths,
    PathTable,
    Table,
    TensorFlowDatasets,
    TFRecords,
)
from trainer_modules.engine.task.submission import Submission
from trainer_modules.engine.task.task import (
    Backbone,
    Columns,
    EncoderDecoder,
    Everything,
    HeadOnly,
    Images,
    Last,
    Network,
    Phase,
    Serving,
    Task,
)

__all__ = [
    "AtLeast",
    "AtMost",
    "Augment",
    "Backbone",
    "BatchNorm",
    "BetterThanChance",
    "Binary",
    "Bundled",
    "Choice",
    "Classification",
    "Columns",
    "Conv",
    "Cosine",
    "Dense",
    "Display",
    "Drift",
    "Dropout",
    "EarlyStopping",
    "EncoderDecoder",
    "Everything",
    "Exponential",
    "Flatten",
    "GlobalAveragePool",
    "HashSplit",
    "HeadOnly",
    "ImageFiles",
    "ImageFolders",
    "ImageLists",
    "ImageNet",
    "Images",
    "ImagesAndMasks",
    "LabelledPaths",
    "Last",
    "Layer",
    "MaxPool",
    "MultiLabel",
    "Network",
    "NoWorse",
    "Optimizer",
    "PathTable",
    "Phase",
    "Range",
    "ReduceOnPlateau",
    "Regression",
    "Rescale",
    "SavedNetwork",
    "Segmentation",
    "Serving",
    "Submission",
    "TFRecords",
    "Table",
    "Task",
    "TensorFlowDatasets",
    "Training",
    "Warm",
    "entry_points",
]
