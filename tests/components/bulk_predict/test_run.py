import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from components.bulk_predict import inputs, run
from components.bulk_predict.inputs import Keys
from pipelines.config import RunConfig
from trainer_modules.engine.errors import BadInputError

Picture = Callable[[int], bytes]


def _predict(model: Path, data: Any, output: Path, keys: Keys | None = None, **more: Any) -> Any:
    return run.predict(
        model_folder=str(model),
        data=str(data),
        output=str(output),
        keys=keys or Keys(),
        beam_args=RunConfig().beam_args,
        **more,
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


@pytest.fixture
def photos(tmp_path: Path, picture: Picture) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub" / "süb").mkdir(parents=True)
    (folder / "a.png").write_bytes(picture(0))
    (folder / "b, c.PNG").write_bytes(picture(128))
    (folder / "junk.jpg").write_bytes(b"no image at all")
    (folder / "notes.txt").write_text("not an image")
    (folder / "sub" / "süb" / "d.png").write_bytes(picture(255))
    (folder / "z.png").symlink_to(folder / "gone")
    return folder


def test_a_nested_folder_becomes_rows_in_order_and_errors_are_rows(
    photos: Path, classifier: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    outcome = _predict(classifier, photos, output, batch_size=3)
    rows = _rows(output)
    assert list(rows[0]) == ["id", "label", "score", "error"]
    assert [r["id"] for r in rows] == ["a.png", "b, c.PNG", "junk.jpg", "sub/süb/d.png", "z.png"]
    assert [r["label"] for r in rows] == ["dark", "mid, grey", "", "light", ""]
    assert "Unknown image file format" in rows[2]["error"]
    assert rows[4]["error"] == "cannot be read: No such file or directory"
    assert (outcome.rows, outcome.errors) == (5, 2)
    logits = -20 * np.array([0, 0.5, 1]) ** 2
    assert float(rows[0]["score"]) == pytest.approx(np.exp(logits).max() / np.exp(logits).sum())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "photos"]


def test_what_tensorflow_does_not_decode_is_converted(
    tmp_path: Path, classifier: Path, picture: Picture
) -> None:
    """Files, records and paths of a semicolon-separated Latin-1 CSV go the same way."""
    import io

    import pillow_heif
    import tensorflow as tf

    pillow_heif.register_heif_opener()
    folder = tmp_path / "photos"
    folder.mkdir()
    made = {}
    for name, form, value in (
        ("a.heic", "HEIF", 255),
        ("b.tif", "TIFF", 0),
        ("c.ppm", "PPM", 128),
        ("d.avif", "AVIF", 255),
        ("e.png", "TIFF", 0),
    ):
        file = io.BytesIO()
        Pillow.new("RGB", (20, 16), (value, value, value)).save(file, form)
        made[name] = file.getvalue()
    made["f.tif"] = made["b.tif"][:-40]
    for name, contents in made.items():
        (folder / name).write_bytes(contents)
    expected = ["light", "dark", "mid, grey", "light", "dark", ""]
    output = tmp_path / "out.csv"
    outcome = _predict(classifier, folder, output)
    assert (outcome.rows, outcome.errors, outcome.converted) == (6, 1, 5)
    rows = _rows(output)
    assert [r["label"] for r in rows] == expected
    assert "is a damaged or truncated TIFF" in rows[-1]["error"]
    listed = ["Filename;Größe", *(f"photos/{name};1" for name in made)]
    (tmp_path / "list.csv").write_bytes("\n".join(listed).encode("latin-1"))
    _predict(classifier, tmp_path / "list.csv", output, Keys(path="Filename"))
    assert [r["label"] for r in _rows(output)] == expected
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrec")) as writer:
        for contents in made.values():
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[contents]))
            features = tf.train.Features(feature={"image": feature})
            writer.write(tf.train.Example(features=features).SerializeToString())
    _predict(classifier, tmp_path / "a.tfrec", output)
    assert [r["label"] for r in _rows(output)] == expected


def test_the_published_form_has_the_two_columns_asked_for(
    tmp_path: Path, classifier: Path, picture: Picture
) -> None:
    import tensorflow as tf

    file = str(tmp_path / "ld_test00-3.tfrec")
    with tf.io.TFRecordWriter(file) as writer:
        for i, value in enumerate((255, 0, None)):
            feature = {"image_name": f"{i}.jpg".encode(), "jpeg": value and picture(value)}
            feature["jpeg"] = picture(value) if value is not None else b"broken"
            made = {
                k: tf.train.Feature(bytes_list=tf.train.BytesList(value=[v]))
                for k, v in feature.items()
            }
            writer.write(
                tf.train.Example(features=tf.train.Features(feature=made)).SerializeToString()
            )
    output = tmp_path / "submission.csv"
    _predict(classifier, file, output, Keys(image="jpeg"), columns="id,label=index")
    assert output.read_text() == "id,label\n0.jpg,2\n1.jpg,0\n2.jpg,\n"


def test_a_damaged_or_odd_record_file_is_rows_with_an_error(
    tmp_path: Path, classifier: Path, picture: Picture
) -> None:
    import tensorflow as tf

    file = tmp_path / "a.tfrec"
    example = tf.train.Example(
        features=tf.train.Features(
            feature={
                "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[picture(0)])),
                "target": tf.train.Feature(int64_list=tf.train.Int64List(value=[2])),
            }
        )
    )
    with tf.io.TFRecordWriter(str(file)) as writer:
        writer.write(example.SerializeToString())
        writer.write(b"\xff\xffno example")
        writer.write(example.SerializeToString())
    file.write_bytes(file.read_bytes()[:-9])
    output = tmp_path / "out.csv"
    _predict(classifier, file, output, Keys(label="target"))
    rows = _rows(output)
    assert [r["id"] for r in rows] == ["a.tfrec:0", "a.tfrec:1", "a.tfrec:2"]
    assert rows[0]["true"] == "2" and rows[0]["label"] == "dark"
    assert rows[1]["error"] == "is not a tf.train.Example"
    assert rows[2]["error"].startswith("the file cannot be read beyond this point")


def test_json_lines_with_all_or_the_top_classes(
    photos: Path, classifier: Path, tmp_path: Path
) -> None:
    pattern, output = photos / "**" / "*.png", tmp_path / "out.jsonl"
    _predict(classifier, pattern, output)
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert [r["id"] for r in rows] == ["a.png", "sub/süb/d.png", "z.png"]
    assert list(rows[0]["probabilities"]) == ["dark", "mid, grey", "light"]
    assert sum(rows[0]["probabilities"].values()) == pytest.approx(1, abs=1e-6)
    assert rows[2] == {"id": "z.png", "error": "cannot be read: No such file or directory"}
    _predict(classifier, pattern, output, top=2)
    top = json.loads(output.read_text(encoding="utf-8").splitlines()[1])["top"]
    assert [t["label"] for t in top] == ["light", "mid, grey"]
    assert top[0]["probability"] == rows[1]["probabilities"]["light"]


def test_a_csv_of_paths_keeps_its_order_and_ids(
    photos: Path, classifier: Path, tmp_path: Path
) -> None:
    table = photos / "list.csv"
    table.write_text("file,name\nsub/süb/d.png,one\na.png,two\nmissing.png,three\n", "utf-8")
    output = tmp_path / "out.csv"
    _predict(classifier / "1", table, output, Keys(path="file", id="name"))
    assert [(r["id"], r["label"]) for r in _rows(output)] == [
        ("one", "light"),
        ("two", "dark"),
        ("three", ""),
    ]
    with pytest.raises(BadInputError, match="a column must be one of file, name"):
        _predict(classifier, table, output)


def test_masks_become_a_folder_with_a_legend(
    tmp_path: Path, segmenter: Path, picture: Picture
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.png").write_bytes(picture(250))
    (tmp_path / "in" / "bad.png").write_bytes(b"junk")
    output = tmp_path / "masks"
    _predict(segmenter, tmp_path / "in", output)
    rows = _rows(output / "predictions.csv")
    assert [(r["id"], r["mask"]) for r in rows] == [("bad.png", ""), ("x.png", "masks/x.png")]
    assert rows[0]["error"]
    mask = np.asarray(Pillow.open(output / "masks" / "x.png"))
    assert mask.shape == (6, 4) and (mask == 1).all()
    coloured = np.asarray(Pillow.open(output / "coloured" / "x.png"))
    assert (coloured == (200, 150, 100)).all()
    overlay = np.asarray(Pillow.open(output / "overlays" / "x.png")).astype(int)
    assert (abs(overlay - (np.array((200, 150, 100)) + 250) / 2) <= 1).all()
    assert json.loads((output / "legend.json").read_text())[1]["name"] == "day"
    assert Pillow.open(output / "legend.png").width > 40
    with pytest.raises(BadInputError, match="already exists"):
        _predict(segmenter, tmp_path / "in", output)


def test_a_table_of_numbers(tmp_path: Path, regressor: Path) -> None:
    table = tmp_path / "rows.csv"
    table.write_text("b,a,name\n1,10,x\n,5,y\n0.5,0,z\n")
    output = tmp_path / "out.csv"
    _predict(regressor, table, output, Keys(id="name"))
    rows = _rows(output)
    assert [(r["id"], r["value"]) for r in rows] == [("x", "23.0"), ("y", ""), ("z", "1.5")]
    assert rows[1]["error"] == "not a finite number: column 'b' is ''"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "nowhere"}, "the model must be a folder that contains a saved_model.pb"),
        ({"data": "nowhere"}, "there is no such folder or file"),
        ({"data": "."}, "has no images"),
        ({"output": "missing/out.csv"}, "the folder missing does not exist"),
        ({"output": "out"}, "a file ending in .csv or .jsonl"),
        ({"columns": "id,lable"}, "did you mean 'label'"),
    ],
)
def test_bad_input_says_what_to_do_and_leaves_nothing(
    change: dict[str, str],
    message: str,
    photos: Path,
    classifier: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    given = {"model": str(classifier), "data": str(photos), "output": "out.csv", "columns": ""}
    given |= change
    with pytest.raises(BadInputError, match=message):
        _predict(
            Path(given["model"]), given["data"], Path(given["output"]), columns=given["columns"]
        )
    assert not list((tmp_path / "empty").iterdir())


def test_a_failure_leaves_the_old_output_alone(
    photos: Path, classifier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out.csv"
    output.write_text("old")

    def broken(chunk: inputs.Chunk) -> Any:
        yield from ()
        raise MemoryError("worker died")

    monkeypatch.setattr(inputs, "read", broken)
    with pytest.raises(Exception, match="worker died"):
        _predict(classifier, photos, output)
    assert output.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.csv", "photos"]


def test_images_that_differ_in_their_ending_alone_keep_it() -> None:
    from components.bulk_predict import mask_files

    assert mask_files.file_name("a/b.jpg", whole=False) == "a/b.png"
    assert mask_files.file_name("a/b.jpg", whole=True) == "a/b.jpg.png"
    assert mask_files.file_name("/../../etc/b.jpg", whole=False) == "etc/b.png"


def test_no_call_of_the_model_is_half_empty(tmp_path: Path) -> None:
    for i in range(250):
        (tmp_path / f"{i:03}.png").touch()
    found = inputs.chunks(str(tmp_path), Keys(), batch_size=48)
    assert [len(chunk.files) for chunk in found] == [96, 96, 58]
    assert [name for chunk in found for name, _ in chunk.files] == sorted(
        p.name for p in tmp_path.iterdir()
    )
