"""The component inside TFX: cache, fingerprint, span, and what TFX's readers make of its files."""

import os
from pathlib import Path

import pytest

from tests.components.example_gen.conftest import encoded, picture, write
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.problems import Classification
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.sources import HashSplit, ImageFolders

pytestmark = pytest.mark.usefixtures("tfx_ready")
PETS = Classification(classes=("cat", "dog"))
# All but surely nothing falls into eval: a split without examples.
SOURCE = ImageFolders(splits=HashSplit(eval=1e-9))


def component(data: Path | str, source=SOURCE):
    from components.example_gen.component import ImageExampleGen

    return ImageExampleGen(
        input_base=str(data),
        source=overrides.to_json(source),
        problem=overrides.to_json(PETS),
        code_fingerprint="1",
    )


@pytest.fixture
def run(tmp_path: Path):
    """Runs the component in a pipeline with a cache; returns the new artifacts."""
    from tfx.orchestration import metadata
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.pipeline import Pipeline

    root = tmp_path / "pipeline"
    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))

    def run_once(node) -> list[Path]:
        before = set(root.glob("ImageExampleGen/rejected/*"))
        pipeline = Pipeline(
            pipeline_name="p",
            pipeline_root=str(root),
            components=[node],
            enable_cache=True,
            metadata_connection_config=connection,
            beam_pipeline_args=[
                "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
            ],
        )
        LocalDagRunner().run(pipeline)
        return sorted(set(root.glob("ImageExampleGen/rejected/*")) - before)

    return run_once


def pets(root: Path, count: int = 3) -> Path:
    for i in range(count):
        write(root / ("cat" if i % 2 else "dog") / "deep" / "er" / f"{i}.png", encoded(picture(i)))
    return root


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


def fingerprint_of(node) -> tuple[str, int, int | None, str]:
    """Runs the driver alone."""

    from components.example_gen.driver import Driver
    from components.example_gen.root import data_root

    properties = dict(node.exec_properties)
    found = Driver(None).resolve_exec_properties(properties, None, None)
    root = data_root(found)
    return found["input_fingerprint"], found["span"], found["version"], root


def test_latest_span_and_version_are_read(tmp_path):
    for place in ("span-1/v-2", "span-2/v-1", "span-2/v-3"):
        pets(tmp_path / place)
    _, span, version, root = fingerprint_of(component(tmp_path / "span-{SPAN}" / "v-{VERSION}"))
    assert (span, version) == (2, 3)
    assert root == str(tmp_path / "span-2" / "v-3")


def test_no_span(tmp_path):
    with pytest.raises(BadInputError, match="No folder matches"):
        fingerprint_of(component(tmp_path / "span-{SPAN}"))


def test_files_outside_the_split_folders_do_not_matter(tmp_path):
    for split in ("Train", "Valid"):
        pets(tmp_path / split)
    source = ImageFolders(train="Train", eval="Valid")
    first = fingerprint_of(component(tmp_path, source))
    write(tmp_path / "notes.txt", "nothing")
    assert fingerprint_of(component(tmp_path, source)) == first
    os.rename(tmp_path / "Valid" / "cat", tmp_path / "Valid" / "dog" / "cat")
    assert fingerprint_of(component(tmp_path, source)) != first


def test_missing_data_is_a_message_for_people(tmp_path):
    with pytest.raises(BadInputError, match=r"does not exist\. Check --data"):
        fingerprint_of(component(tmp_path / "gone"))


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
