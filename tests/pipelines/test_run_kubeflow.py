"""The command line of run_kubeflow.py: bad input ends with 2 and one paragraph."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import run_kubeflow


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("--pipeline-root", "relative"), "absolute path"),
        (("--target", "kubeflow", "--host", "localhost:8080"), "begin with http:// or https://"),
        (("--target", "vertx"), "did you mean 'vertex'"),
        (("--data", "s3://bucket/data"), "Mount the bucket"),
        (("--label", "nothing"), "KEY=VALUE"),
        (("--max-rejected", "2"), "within 0..1"),
    ],
)
def test_refused(argv: tuple[str, ...], message: str, capsys: pytest.CaptureFixture) -> None:
    assert run_kubeflow.main(["compile", *argv]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and message in printed
    assert "Traceback" not in printed


ROOT = Path(__file__).parents[2]
ONLY_VERTEX = ("--disk-gb", "300", "--label", "team=vision", "--notify-email", "a@b")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (
            ("--host", "http://h"),
            "--host belongs to the target kubeflow, but the target is vertex. Leave it out, or "
            "choose --target kubeflow.",
        ),
        (
            ("--target", "kubeflow", *ONLY_VERTEX),
            "--notify-email, --label, --disk-gb belong to the target vertex, but the target is "
            "kubeflow. Leave them out, or choose --target vertex. Name a service that sends e-mail "
            "with --notify-webhook.",
        ),
        (
            ("--target", "kubeflow", "--region", "r"),
            "--region belongs to the target vertex, but the target is kubeflow. Leave it out, or "
            "choose --target vertex. Dataflow's region is --beam-region.",
        ),
    ],
)
def test_options_of_another_target_are_refused(
    argv: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture
) -> None:
    assert run_kubeflow.main(["compile", *argv]) == 2
    printed = capsys.readouterr().err.removeprefix("error: ").strip()
    assert sorted(re.split("[ ,]+", printed)) == sorted(re.split("[ ,]+", sentence))


def test_a_file_of_another_target_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text('host = "http://h"\n[node_selector]\npool = "gpu"\n')
    assert run_kubeflow.main(["list", "--config", str(file), "--namespace", "n"]) == 2
    printed = capsys.readouterr().err
    for name in (f"'host' in {file}", f"'node_selector' in {file}", "--namespace"):
        assert name in printed
    assert "belong to the target kubeflow, but the target is vertex" in printed


def test_a_wrong_ending_is_refused_before_tensorflow_is_imported(tmp_path) -> None:
    text = (
        "import sys; from pipelines import run_kubeflow\n"
        "code = run_kubeflow.main(sys.argv[1:])\n"
        "assert 'tensorflow' not in sys.modules; sys.exit(code)"
    )
    options = ["compile", "--task", "digits", "--pipeline-root", "gs://b/r", "--image", "i"]
    for output in ("job.yaml", str(tmp_path / "no folder/job.json")):
        command = [sys.executable, "-c", text, *options, "--output", output]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2 and "error: --output" in done.stderr, done.stderr


def test_an_upload_needs_a_destination(capsys: pytest.CaptureFixture) -> None:
    assert run_kubeflow.main(["upload", "--task", "digits"]) == 2
    assert "error: Name the destination of the data with --data" in capsys.readouterr().err


def test_an_image_that_may_change_is_noted_and_one_with_a_digest_is_not(
    capsys: pytest.CaptureFixture,
) -> None:
    images = ("--image", "example.com/a:latest", "--training-image", f"b@sha256:{'0' * 64}")
    # What else is missing ends the command; the note comes before.
    assert run_kubeflow.main(["compile", "--output", "job.yaml", *images]) == 2
    note, error = capsys.readouterr().err.splitlines()
    assert note.startswith("note: the image example.com/a:latest has no digest")
    assert error.startswith("error: --output must end in .json")
