"""Mistakes in a task's file and in `--set`: one paragraph that names the place."""

import contextlib
import dataclasses
import importlib
import sys
import typing
from pathlib import Path

import pytest

import schemas
import trainer_modules
from pipelines import tasks
from trainer_modules.engine.errors import BadInputError
from trainer_modules.engine.task import overrides
from trainer_modules.engine.task.serialisation import types_by_name

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "trainer_modules"
WHOLE = (TASKS / "digits.py").read_text().replace('"digits"', '"mistaken"')


@pytest.fixture
def task_file(tmp_path, monkeypatch):
    """Returns a function that writes the file of a task `mistaken` where tasks are looked for."""
    monkeypatch.setattr(trainer_modules, "__path__", [*trainer_modules.__path__, str(tmp_path)])
    monkeypatch.setattr(trainer_modules, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(schemas, "__file__", str(tmp_path / "__init__.py"))

    def write(text: str, schema: str = "") -> Path:
        sys.modules.pop("trainer_modules.mistaken", None)
        path = tmp_path / "mistaken.py"
        path.write_text(text)
        (tmp_path / "mistaken.pbtxt").write_text(schema)
        importlib.invalidate_caches()
        return path

    yield write
    sys.modules.pop("trainer_modules.mistaken", None)


MISTAKES = [
    ("an unknown keyword", "epochs=60", "epoch=60", "epoch"),
    ("no keywords", "Images(height=8, width=8, channels=1)", "Images(8, 8)", "positional"),
    ("a gate alone", "gates=(", "gates=AtLeast('accuracy', 0.9), slices=(", "a tuple of AtLeast"),
    ("a class alone", "classes=", "classes=('a') or ", "classes must be a tuple of str"),
    ("a syntax error", "TASK = Task(", "TASK = Task((", "never closed"),
    ("no TASK", "TASK = Task(", "task = Task(", "TASK"),
    ("no entry points", "preprocessing_fn, run_fn", "first, second", "preprocessing_fn"),
    ("another name", 'name="mistaken"', 'name="digits"', "must be 'mistaken'"),
    ("a wrong value", "epochs=60", "epochs=0", "epochs must be at least 1"),
    ("a wrong type", "epochs=60", "epochs='60'", "number"),
    (
        "a module that is not there",
        "from trainer_modules",
        "from trainer_modulez",
        "trainer_modulez",
    ),
]


@pytest.mark.parametrize(("what", "old", "new", "said"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_a_mistake_in_a_task_file_is_named_with_its_place(
    task_file, what: str, old: str, new: str, said: str
) -> None:
    assert old in WHOLE, f"{what}: the file no longer holds {old!r}"
    path = task_file(WHOLE.replace(old, new, 1))
    with pytest.raises(BadInputError, match=said) as failed:
        tasks.load("mistaken")
    message = str(failed.value)
    assert str(path) in message and "\n" not in message
    assert dict(tasks.descriptions())["mistaken"].startswith("broken: ")
    if what not in ("no TASK", "no entry points", "another name"):
        line = WHOLE[: WHOLE.index(old)].count("\n") + 1
        # A call over several lines is named by the line that Python names: within the call.
        (named,) = [int(w.strip(":")) for w in message.split() if w.strip(":").isdigit()][:1]
        assert abs(named - line) <= 12, message


def test_the_whole_file_is_no_mistake(task_file) -> None:
    task_file(WHOLE)
    assert tasks.load("mistaken").name == "mistaken"


def test_a_task_needs_a_schema_that_can_be_read(task_file) -> None:
    path = task_file(WHOLE, "feature {")
    with pytest.raises(BadInputError, match=r"mistaken\.pbtxt is not a TFDV schema"):
        tasks.schema(tasks.load("mistaken"))
    path.with_suffix(".pbtxt").unlink()
    with pytest.raises(BadInputError, match=r"has no schema: \S+mistaken\.pbtxt is missing"):
        tasks.load("mistaken")


def test_a_schema_may_list_the_labels_of_the_task_and_no_others(task_file) -> None:
    path = task_file(WHOLE).with_suffix(".pbtxt")
    task = tasks.load("mistaken")
    own = (ROOT / "schemas/digits.pbtxt").read_text()
    own += 'string_domain { name: "format" value: "png" }\n'
    domain = 'string_domain {{ name: "label" {} }}\n'
    same = " ".join(f'value: "{name}"' for name in reversed(task.problem.names))
    for text in (own, own + domain.format(same)):
        path.write_text(text)
        schema = tasks.schema(task)
        domains = {d.name: set(d.value) for d in schema.string_domain}
        assert domains == {"format": {"png"}, "label": set(task.problem.names)}
        assert [f.domain for f in schema.feature if f.name == "label"] == ["label"]
    path.write_text(own + domain.format(same.replace('"3"', '"three"')))
    with pytest.raises(BadInputError, match=r"mistaken.pbtxt: .* must be left out.*: 3, three$"):
        tasks.schema(task)


def test_two_ways_to_say_one_thing_are_an_error() -> None:
    with pytest.raises(BadInputError, match="both set the initial weights"):
        tasks.load("gtsrb", ("model.weights=none",), "imagenet")
    with pytest.raises(BadInputError, match="--set name: .*--name"):
        tasks.load("digits", ("name=mine",))
    remote = tasks.load("gtsrb", (), "gs://bucket/w.h5").model
    assert remote.weights == "gs://bucket/w.h5"  # type: ignore[union-attr]


VALUES = (
    *("", "x", "-1", "1e999", "None", "True", "()", "('a',)", "[[1]]", "{}", "(" * 200),
    *('{"type": "Dense"}', '{"type": 3}', '{"type": "Phase", "epochs": "two"}', "{'a': 1}"),
)


def _keys(value: object, path: str = "") -> list[str]:
    """Returns every key that `--set` takes for a task, and one past the end of each tuple."""
    found = []
    if isinstance(value, tuple):
        found.append(f"{path}{len(value)}")
        for i, item in enumerate(value[:2]):
            found += [f"{path}{i}", *_keys(item, f"{path}{i}.")]
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            key = f"{path}{field.name}"
            found += [key, f"{key}.nothing", *_keys(getattr(value, field.name), f"{key}.")]
    return found


@pytest.mark.parametrize("name", ["digits", "camvid", "boston_housing"])
def test_no_value_of_any_setting_is_worse_than_an_error(name: str) -> None:
    """Every key of a task with every odd value: a sound task, or one sentence."""
    from pipelines import early_checks

    refused = 0
    for key in dict.fromkeys(_keys(tasks.load(name))):
        for value in VALUES:
            with contextlib.suppress(BadInputError):
                early_checks.check_settings(tasks.load(name, (f"{key}={value}",)))
                refused -= 1
            refused += 1
    assert refused > 200


def test_every_field_of_every_part_refuses_what_is_not_its_type() -> None:
    class Odd:
        """Of no type that a task has."""

    checked = 0
    for cls in types_by_name().values():
        for field in dataclasses.fields(cls):
            hint = typing.get_type_hints(cls)[field.name]
            odd = object.__new__(cls)
            for other in dataclasses.fields(cls):
                object.__setattr__(odd, other.name, None)
            object.__setattr__(odd, field.name, Odd())
            with pytest.raises(BadInputError, match="must be"):
                overrides.check_types(odd)
            checked += hint is not None
    assert checked > 100
