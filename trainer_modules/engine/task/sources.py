"""The layouts of a task's images or rows that ImageExampleGen reads.

A source is plain data. Paths in it are relative to the data root (`--data`), so that one
task file serves a laptop and a bucket. The readers of the layouts are in `components/example_gen`.
"""

import re
from dataclasses import dataclass, field

EACH_CLASS = "*"
"""As the label column of a CSV: there is one column for each class."""


@dataclass(frozen=True, kw_only=True)
class HashSplit:
    """Splits by a hash of the example's content, for data that comes without splits.

    An example keeps its split when data is added or moved, and equal bytes share one split.

    Attributes:
      eval: Fraction of the examples for `eval`, in [0, 1).
      test: Fraction of the examples for `test`, in [0, 1); 0 for no test split.
      group: A regular expression searched for in an example's id; what it matches is hashed
        instead of the content, so that the frames of one scene share one split. Where it matches
        nothing, content decides. "" for content always.
    """

    eval: float = 0.2
    test: float = 0.0
    group: str = ""

    def __post_init__(self) -> None:
        try:
            re.compile(self.group)
        except re.error as error:
            raise ValueError(
                f"group must be a regular expression ({error}). Received: {self.group!r}"
            ) from error
        if self.eval < 0 or self.test < 0 or self.eval + self.test >= 1:
            raise ValueError(
                "eval and test must be fractions >= 0 with a sum below 1. "
                f"Received: eval={self.eval}, test={self.test}"
            )


@dataclass(frozen=True, kw_only=True)
class LabelledPaths:
    """A CSV file that names images, one a row.

    Attributes:
      csv: The CSV file, relative to the data root.
      path: Column with the image's path, relative to `folder`.
      label: Column with the class name (or whatever the problem reads); "" for a file without
        labels; "*" where each class has a column of its own, with 1 in the rows of its images and
        0 or nothing in the others.
      split: Column with the split name (train, eval, test); "" where the CSV is one split.
      slices: Further columns to keep as raw string features, to slice metrics by.
      folder: Folder of the images, relative to the data root; "" for the CSV file's.
    """

    csv: str
    path: str = "path"
    label: str = "label"
    split: str = ""
    slices: tuple[str, ...] = ()
    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageFolders:
    """Class folders: the folder that holds an image, directly or some levels up, is its label.

    With `train` empty the data root itself holds the class folders, and `splits` decides; if the
    root instead holds folders named train/training, val/valid/validation/eval, test/testing (any
    case), those are the splits. With `train` set, each split has a folder of class folders.

    Attributes:
      train: Folder of the training split, or "" (see above).
      eval: Folder of the evaluation split, or a `LabelledPaths`, or "" for a fraction of train.
      test: Folder of the test split, or a `LabelledPaths`, or "" for none.
      unlabelled: Folder of images without labels, or "" for none.
      splits: What to hold out where folders do not say.
      zero_padded: Names of folders, and labels of a CSV, are numbers: a name that is not a class
        counts as the class of the same value, `00014` as `14`.
      skip: Glob of the names of other files among the images, to be ignored; "" for none.
    """

    train: str = ""
    eval: str | LabelledPaths = ""
    test: str | LabelledPaths = ""
    unlabelled: str = ""
    splits: HashSplit = field(default_factory=HashSplit)
    zero_padded: bool = False
    skip: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageLists:
    """Class folders whose splits are written in list files, as Food-101 is published.

    A list is a text file with a line `<class>/<name>` for each image, without the file's ending,
    or a JSON object of class → list of the same. Where a list is missing, its twin with the other
    ending is read.

    Attributes:
      train: The list of the training split, relative to the data root.
      eval: The list of the evaluation split.
      test: The list of the test split; "" for none.
      folder: The folder of the class folders.
      extension: The extension that turns a name into a file's name.
    """

    train: str = "meta/train.txt"
    eval: str = "meta/test.txt"
    test: str = ""
    folder: str = "images"
    extension: str = ".jpg"


@dataclass(frozen=True, kw_only=True)
class TensorFlowDatasets:
    """A data set that TensorFlow Datasets has prepared as TFRecords.

    The data root is the folder of one version (`…/food101/2.0.0`), or one or two levels above it
    where there is one version only. Numbers become class names by `<label>.labels.txt`.

    Attributes:
      name: The data set's name.
      train: Name of the split to train on.
      eval: Name of the split to evaluate on.
      test: Name of the split for the final evaluation; "" for none.
      image: Feature of the image.
      label: Feature of the label.
    """

    name: str
    train: str = "train"
    eval: str = "validation"
    test: str = ""
    image: str = "image"
    label: str = "label"


@dataclass(frozen=True, kw_only=True)
class ImageFiles:
    """Images without labels, in a folder and the folders below it; all are `unlabelled`.

    Attributes:
      folder: The folder; "" for the data root itself.
    """

    folder: str = ""


@dataclass(frozen=True, kw_only=True)
class PathTable:
    """A CSV of paths and labels beside a folder of images, the whole of the data.

    Attributes:
      paths: The CSV and its columns; its `split` column decides the split where it is set.
      splits: What to hold out where there is no split column.
    """

    paths: LabelledPaths
    splits: HashSplit = field(default_factory=HashSplit)


@dataclass(frozen=True, kw_only=True)
class TFRecords:
    """Shards of `tf.train.Example` records, plain or gzip-compressed (told by content).

    Attributes:
      train: Glob of the training shards, relative to the data root.
      eval: Glob of the evaluation shards; "" to hold out `eval_fraction` of the train shards.
      test: Glob of the test shards; "" for none.
      unlabelled: Glob of shards without labels; "" for none.
      image: Feature key of the encoded image bytes.
      label: Feature key of the label: an int64 index into the problem's classes, or the class
        name as bytes.
      id: Feature key of the record's own name; "" to number the records as `shard:index`.
      eval_fraction: Fraction of the train shards that becomes `eval`, whole shards, at least one.
      eval_shards: Which shards: "first" in name order, or "seeded", a shuffle with `seed`.
      seed: Seed of that shuffle.
      slices: Further features to keep, to slice metrics by.
    """

    train: str = "*.tfrec*"
    eval: str = ""
    test: str = ""
    unlabelled: str = ""
    image: str = "image"
    label: str = "label"
    id: str = ""
    eval_fraction: float = 0.2
    eval_shards: str = "first"
    seed: int = 0
    slices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImagesAndMasks:
    """Folders of images with folders of masks, matched by file name without its ending.

    Attributes:
      train: (image folder, mask folder) of the training split.
      eval: The same for `eval`; ("", "") for a fraction of train by `splits`.
      test: The same for `test`; ("", "") for none.
      splits: What to hold out where folders do not say.
      suffix: An optional suffix of a mask's name after its image's, as in `a.png` and `a_L.png`.
    """

    train: tuple[str, str] = ("train", "trainannot")
    eval: tuple[str, str] = ("val", "valannot")
    test: tuple[str, str] = ("test", "testannot")
    splits: HashSplit = field(default_factory=HashSplit)
    suffix: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of numbers: a CSV with a header, or a NumPy .npz whose arrays are the columns.

    Attributes:
      file: The table, relative to the data root.
      splits: What to hold out; rows are hashed by content.
    """

    file: str = "data.csv"
    splits: HashSplit = field(default_factory=HashSplit)


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """Data that a library contains or downloads; written once under the run root.

    Attributes:
      loader: `sklearn:load_digits` or `keras:<name of a tf_keras.datasets module>`.
      stored: The layout in which it is written, and in which `--data` is read when given.
      eval_fraction: Fraction held out as `eval` by loaders that come unsplit.
      seed: Seed of that split (scikit-learn's `train_test_split`).
      eval_tail_fraction: Fraction of train, its end, that becomes `eval` for loaders that come with
        train and test; 0 evaluates on test alone while training.
    """

    loader: str
    stored: "TFRecords | Table"
    eval_fraction: float = 0.0
    seed: int = 0
    eval_tail_fraction: float = 0.0


Source = (
    ImageFolders
    | ImageLists
    | ImageFiles
    | PathTable
    | TFRecords
    | TensorFlowDatasets
    | ImagesAndMasks
    | Table
    | Bundled
)
