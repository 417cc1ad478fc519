"""Every command of the two pages is one that the command line takes."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from pipelines import run_kubeflow
from pipelines.cloud import options as cloud_options
from pipelines.cloud import schedules

ROOT = Path(__file__).parents[3]
PAGES = ("vertex.md", "kubeflow.md")


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def _commands(page: str) -> list[list[str]]:
    lines = "\n".join(_blocks(page, "sh")).splitlines()
    return [
        shlex.split(line)[2:] for line in lines if line.startswith("python pipelines/run_kubeflow")
    ]


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_complete(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in _blocks(page, "toml"):
        name = re.match(r"# (\S+)\n", block)
        if name:
            Path(name[1]).write_text(block)
    commands = _commands(page)
    assert {c[0] for c in commands} >= {"submit", "schedule", "list", "pause", "delete", "upload"}
    for argv in commands:
        args = cloud_options.parser().parse_args(argv)
        config = cloud_options.config_from(args)
        if args.command in ("submit", "schedule"):
            config.check_submit()
            config.check_compile()
        if args.command == "schedule":
            schedules.timing(args.cron, args.timezone, args.max_concurrent, args.start, args.end)
        if args.command in ("list", "pause", "resume", "delete"):
            config.check_manage()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("tfx_ready")
def test_dry_runs_print_the_request(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    name = re.match(r"# (\S+)\n", _blocks(page, "toml")[0])
    assert name
    Path(name[1]).write_text(_blocks(page, "toml")[0])
    dry = [argv for argv in _commands(page) if "--dry-run" in argv]
    scheduling = [argv for argv in _commands(page) if argv[0] == "schedule"]
    for argv in [*dry, [*scheduling[0], "--dry-run"]]:
        # The pages' addresses are made up; private ones need no credentials to print a request.
        place = ["--endpoint", "http://127.0.0.1:9"] if page == "vertex.md" else []
        assert run_kubeflow.main([*argv, *place]) == 0
        printed = capsys.readouterr().out
        assert "pipelineInfo" in printed
        assert page == "vertex.md" or "runtime_config" in printed


_PAIR = re.compile(
    r"^```sh\npython pipelines/run_kubeflow\.py ([^\n]*)\n```\n\n```text\n(.*?)^```",
    re.MULTILINE | re.DOTALL,
)


def _without_names(text: str) -> list[str]:
    """Returns lines without what differs from place to place and from day to day."""
    for pattern, name in (
        (r"http://(localhost|127\.0\.0\.1):\d+", "HOST"),
        (r"\d{4}-\d\d-\d\d", "DATE"),
        # Winter and summer.
        (r"CES?T \(0[12]:", "ZONE ("),
        (r"projects/[\w-]+/", "projects/P/"),
        (r"(details|schedules|pipelineJobs)/[\w-]+", r"\1/ID"),
        (r"runs/(?!details)[\w-]+", "runs/ID"),
        (r"submitted \S+$", "submitted ID"),
    ):
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text.splitlines()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("tfx_ready")
def test_the_ten_commands_print_what_the_page_says(
    page: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    vertex_server: Any,
    kubeflow_server: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    for block in _blocks(page, "toml"):
        name = re.match(r"# (\S+)\n", block)
        if name:
            Path(name[1]).write_text(block)
    place = {
        "vertex.md": ["--endpoint", vertex_server.address],
        "kubeflow.md": ["--host", kubeflow_server.address],
    }[page]
    pairs = _PAIR.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))
    shown = {shlex.split(command)[0]: (command, text) for command, text in pairs}
    assert set(shown) == {"upload", "submit", "schedule"}
    for name, (command, text) in shown.items():
        argv = [word for word in shlex.split(command) if word != "--wait"]
        if name == "upload":
            argv[-1] = argv[-1].replace("gs://", f"{tmp_path}/")
        assert run_kubeflow.main([*argv, *(place if name != "upload" else [])]) == 0
        printed = capsys.readouterr().out.replace(f"{tmp_path}/", "gs://")
        wanted = _without_names(text)
        # What follows the link of a run is its states, which only a platform has.
        assert _without_names(printed) == (wanted[:2] if name == "submit" else wanted)
