"""What a SavedModel says about itself, written by the real writer and damaged by hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.saved_model import assets, loading, read
from trainer_modules.engine.saved_model import write as serving
from trainer_modules.engine.task.sources import ImageFolders
from trainer_modules.engine.task.task import Images, Network, Phase, Task

CLASSES = ("dark", "a,b", "line\u2028separated")
TASK = Task(
    name="tiny",
    source=ImageFolders(),
    problem=Classification(classes=CLASSES),
    input=Images(height=2, width=2),
    model=Network(),
    phases=(Phase(epochs=1),),
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that returns the mean of the red, green and blue pixels, over their sum."""
    import tensorflow as tf
    import tf_keras

    inputs = tf_keras.layers.Input((2, 2, 3), dtype="uint8")
    means = tf.reduce_mean(tf.cast(inputs, tf.float32), axis=(1, 2))
    outputs = means / tf.reduce_sum(means, axis=1, keepdims=True)
    folder = tmp_path_factory.mktemp("written") / "12"
    serving.save(tf_keras.Model(inputs, outputs), TASK, str(folder))
    return folder


@pytest.fixture
def copy(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "served" / "12"))


def test_what_was_written_is_read(written: Path) -> None:
    model = str(written)
    assert read.task(model) == TASK
    assert assets.task_name(model) == "tiny"
    # A separator of lines inside a name does not divide it, whoever reads it.
    assert assets.classes(model) == CLASSES
    assert assets.class_ids(model) == ()
    signatures = read.definitions(model)
    assert {"serving_default", "examples"} <= set(signatures)
    assert set(signatures["serving_default"].outputs) == {"probabilities", "label", "score"}


def test_a_loaded_model_predicts(written: Path) -> None:
    import tensorflow as tf

    loaded = read.SavedModel(str(written))
    assert loaded.inputs() == {"image_bytes": tf.string}
    assert set(loaded.outputs("examples")) == {"probabilities", "label", "score"}
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 50, 150
    answer = loaded.call({"image_bytes": [tf.io.encode_png(pixels).numpy()] * 2})
    assert answer["probabilities"] == pytest.approx(np.array([[0.25, 0, 0.75]] * 2))
    assert answer["label"].tolist() == [CLASSES[2].encode()] * 2
    assert loaded.network(pixels[np.newaxis]).numpy() == pytest.approx(answer["probabilities"][:1])


def test_a_model_that_carries_nothing_says_so(copy: Path) -> None:
    shutil.rmtree(copy / "assets")
    model = str(copy)
    assert read.task(model) is None
    assert (assets.task_name(model), assets.classes(model), assets.class_ids(model)) == ("", (), ())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"name": "ti', "must be valid JSON"),
        (b"", "must be valid JSON"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'{"format_version": 99, "type": "Task"}', "99"),
        (
            b'{"format_version": 2, "type": "Phase", "epochs": 1}',
            "must be a Recipe or Task. Received: Phase",
        ),
    ],
)
def test_a_task_that_cannot_be_read_is_named_with_its_file(
    copy: Path, content: bytes, says: str
) -> None:
    (copy / "assets/task.json").write_bytes(content)
    with pytest.raises(BadInputError) as refused:
        read.task(str(copy))
    assert f"{copy}/assets/task.json cannot be read: " in str(refused.value)
    assert says in str(refused.value)


def test_the_newest_complete_one_is_taken(copy: Path) -> None:
    served = copy.parent
    (served / "13").mkdir()
    shutil.copy(copy / "saved_model.pb", served / "13")
    assert read.newest(str(served)) == read.newest(str(copy)) == str(copy)
    shutil.rmtree(copy)
    with pytest.raises(BadInputError, match=r"13 lacks variables/variables.index.*Copy it again"):
        read.newest(str(served))
    shutil.rmtree(served / "13")
    with pytest.raises(BadInputError, match="must be a folder that contains a saved_model.pb or"):
        read.newest(str(served))


def test_the_number_is_read_and_the_name_is_kept(copy: Path) -> None:
    shutil.copytree(copy, copy.parent / "000013")
    assert read.newest(str(copy.parent)) == str(copy.parent / "000013")
    assert read.SavedModel(read.newest(str(copy.parent))).outputs()


def test_torn_variables_are_one_clear_sentence(copy: Path) -> None:
    shard = copy / "variables/variables.data-00000-of-00001"
    index = copy / "variables/variables.index"
    index.write_bytes(index.read_bytes()[:20])
    shard.write_bytes(b"")
    with pytest.raises(BadInputError, match=f"the SavedModel in {copy} cannot be loaded: ") as torn:
        read.SavedModel(str(copy))
    assert "\n" not in str(torn.value)


@pytest.mark.parametrize("content", [b"", b"no protobuf at all", b"\x08"])
def test_a_torn_graph_is_one_clear_sentence(copy: Path, content: bytes) -> None:
    (copy / "saved_model.pb").write_bytes(content)
    with pytest.raises(BadInputError, match=f"the SavedModel in {copy}"):
        read.SavedModel(str(copy))
    with pytest.raises(BadInputError, match=f"graph of the SavedModel in {copy} is"):
        read.definitions(str(copy))


def test_a_model_deleted_while_it_is_read_is_told_apart(copy: Path) -> None:
    shutil.rmtree(copy)
    with pytest.raises(BadInputError, match="or it was deleted while it was read"):
        loading.load(str(copy))
    with pytest.raises(BadInputError, match="missing or empty"):
        read.definitions(str(copy))


def test_signatures_and_networks_that_are_not_there_are_named(tmp_path: Path) -> None:
    import tensorflow as tf

    module = tf.Module()
    module.double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(tf.Module(), str(tmp_path / "none"))
    with pytest.raises(BadInputError, match="must have the signature 'serving_default'.*: none"):
        read.SavedModel(str(tmp_path / "none"))
    tf.saved_model.save(
        module, str(tmp_path / "own"), signatures={"serving_default": module.double}
    )
    loaded = read.SavedModel(str(tmp_path / "own"))
    with pytest.raises(BadInputError, match="'class_maps'. Received: serving_default"):
        loaded.check_signature("class_maps")
    with pytest.raises(BadInputError, match="written by an older release"):
        _ = loaded.network
