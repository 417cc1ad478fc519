"""Every command in README and docs is one that can be typed as it is printed.

- `curl` and the Python client of docs/serving.md are run against a real server, with photographs
  of up to 5 MB;
- `make` as `make -n` of the real Makefile, the options of `./run` parsed;
- `run_local.py` is parsed, its task loaded with every `--set` and checked as before a run;
- `predict.py` and `serve` are parsed;
- `run_kubeflow.py` is parsed and configured; `cloud/test_docs.py` prints its requests;
- of `benchmarks/*.py` the file exists; `gcloud`, `kubectl`, `docker` are not run.

What a test run cannot have, thousands of photographs, a cloud, is thus only parsed.
"""

import io
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from pipelines import early_checks, predict, tasks
from pipelines.cloud import options as cloud_options
from pipelines.local import options

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# A synopsis shows what may be written, not what to write.
_SYNOPSIS = re.compile(r"\[-|…|NAME\]|RUN_A|TASK/VERSION")
_OURS = re.compile(
    r"^(make|\./run|(\.venv/bin/)?python3? (pipelines|benchmarks|-m pipelines)\S*)\b"
)

_CRONTAB = re.compile(r"^(?:\S+ ){5}/opt/tfx-vision/run\b")


def _pieces(text: str) -> Iterator[str]:
    """Yields code: fenced and indented blocks, line by line, and what stands in backticks."""
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if language in ("", "sh", "bash"):
            yield from block.replace("\\\n", " ").splitlines()
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (line.strip() for line in re.findall(r"^    \S.*$", rest, re.MULTILINE))
    yield from (" ".join(code.split()) for code in re.findall(r"`([^`]+)`", rest))


def _commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for piece in _pieces(page.read_text(encoding="utf-8")):
            command = _CRONTAB.sub("./run", piece.strip().removeprefix("$ "))
            if _OURS.match(command) and not _SYNOPSIS.search(command):
                found.append((page.name, command))
    return list(dict.fromkeys(found))


COMMANDS = _commands()


def test_the_commands_are_found() -> None:
    assert len(COMMANDS) >= 25
    for program in (
        "make run",
        "pipelines/run_local",
        "pipelines/predict",
        "pipelines/run_kubeflow",
    ):
        assert any(program in command for _, command in COMMANDS), program


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda text: text[:60])
def test_a_command_can_be_typed_as_it_is_printed(
    page: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT", "my-project")
    words = shlex.split(os.path.expandvars(command), comments=True)
    if words[0] == "make":
        done = subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return
    program, *argv = words[1:] if words[0] != "./run" else ["pipelines/run_local.py", *words[1:]]
    if program == "-m":
        program, *argv = argv
        program = program.replace(".", "/") + ".py"
    assert (ROOT / program).is_file(), program
    _PARSED.get(program, lambda _: None)(argv)


def _local(argv: list[str]) -> None:
    args = options.local_parser().parse_args(argv)
    made = options.from_args(args)
    # A path of the reader's machine stands for a file that is there.
    weights = made.weights if made.weights in (None, "none") else "imagenet"
    early_checks.check_settings(tasks.load(made.task, made.settings, weights))


def _cloud(argv: list[str]) -> None:
    args = cloud_options.parser().parse_args(argv)
    if args.config == "cluster.toml":
        # What this file says, as far as it decides about the other options.
        args.target = "kubeflow"
    args.config = None
    made = cloud_options.config_from(args)
    if args.command in ("compile", "submit", "schedule") and made.work.task:
        tasks.load(made.work.task, made.work.settings)


def _serve(argv: list[str]) -> None:
    from pipelines import serve

    serve.parser().parse_args(argv)


_PARSED = {
    "pipelines/run_local.py": _local,
    "pipelines/run_kubeflow.py": _cloud,
    "pipelines/predict.py": lambda argv: predict.parser().parse_args(argv),
    "pipelines/serve.py": _serve,
}


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """A server as `make serve` starts it, with a model `flowers`; yields its address."""
    import tf_keras
    from tf_keras import layers

    from trainer_modules.engine.saved_model import write as serving

    task = tasks.load("flowers", ("input.height=8", "input.width=8"))
    inputs = layers.Input((8, 8, 3), dtype="uint8")
    outputs = layers.Dense(5, activation="softmax")(
        layers.Flatten()(layers.Rescaling(1 / 255)(inputs))
    )
    root = tmp_path_factory.mktemp("root")
    serving.save(tf_keras.Model(inputs, outputs), task, str(root / "serving/flowers/1"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pipelines.serve", "--root", str(root), "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").close()
                break
            except OSError:
                time.sleep(0.5)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _photo(folder: Path, megabytes: float) -> None:
    """Writes `photo.jpg`, noise that no encoder makes smaller."""
    side = int((megabytes * 450_000) ** 0.5)
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(pixels).save(file, "JPEG", quality=95)
    (folder / "photo.jpg").write_bytes(file.getvalue())


@pytest.mark.parametrize("megabytes", [0.01, 0.15, 5])
@pytest.mark.parametrize("language", ["sh", "python"])
def test_a_photograph_of_any_size_is_answered(
    address: str, tmp_path: Path, language: str, megabytes: float
) -> None:
    _photo(tmp_path, megabytes)
    text = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    first = re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert first
    code = first[1].replace("127.0.0.1:8501", address)
    shell = shutil.which("sh") or "sh"
    command = [shell, "-c", code] if language == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = tasks.load("flowers").problem.names
    assert any(name in done.stdout for name in names), done.stdout
