"""The component inside TFX: its cache, and what TFX's readers make of its files."""

import os

import pytest

from tests.components.example_gen.conftest import component, encoded, pets, picture, write

pytestmark = pytest.mark.usefixtures("tfx_ready")


def test_cache_notices_what_changes_and_nothing_else(run, tmp_path):
    data = pets(tmp_path / "data")
    assert len(run(component(data))) == 1
    assert run(component(data)) == []
    write(data / "cat" / "deep" / "er" / "new.png", encoded(picture(9)))
    assert len(run(component(data))) == 1
    (data / "cat" / "deep" / "er" / "new.png").unlink()
    os.utime(data / "dog" / "deep" / "er" / "0.png", ns=(1, 1))
    assert len(run(component(data))) == 1
    assert run(component(data)) == []


def test_platforms_get_the_driver_of_file_based_components(tmp_path):
    from tfx.components.example_gen.component import FileBasedExampleGen
    from tfx.components.example_gen.utils import calculate_splits_fingerprint_span_and_version
    from tfx.proto import example_gen_pb2
    from tfx.utils import proto_utils

    node = component(pets(tmp_path))
    assert isinstance(node, FileBasedExampleGen)

    def stock():
        config = example_gen_pb2.Input()
        proto_utils.json_to_proto(node.exec_properties["input_config"], config)
        splits = list(config.splits)
        return calculate_splits_fingerprint_span_and_version(str(tmp_path), splits)

    first = stock()
    write(tmp_path / "cat" / "deep" / "er" / "new.png", encoded(picture(9)))
    assert stock()[0] != first[0], "TFX's own driver must see deep files, too"


def test_tfx_reads_what_is_written_also_a_split_without_examples(run, tmp_path):
    import tensorflow as tf
    from tfx.types import artifact_utils, standard_artifacts
    from tfx_bsl.tfxio import dataset_options, tf_example_record

    (rejected,) = run(component(pets(tmp_path / "data")))
    examples = standard_artifacts.Examples()
    examples.uri = str(rejected.parent.parent / "examples" / rejected.name)
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    for split, count in (("train", 3), ("eval", 0)):
        pattern = artifact_utils.get_split_uri([examples], split) + "/*"
        reader = tf_example_record.TFExampleRecord(pattern, telemetry_descriptors=["t"])
        options = dataset_options.RecordBatchesOptions(batch_size=2, num_epochs=1)
        assert sum(b.num_rows for b in reader.RecordBatches(options)) == count
    assert len(list(tf.io.gfile.glob(pattern))) == 1
