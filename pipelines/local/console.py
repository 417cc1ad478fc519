"""The terminal output of a run; everything else goes to the log file."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.status import Status
from rich.text import Text

from pipelines.local.progress import Progress

# Without a terminal, the minimum interval between lines of training progress, in seconds.
_PACE = 5.0


class RunConsole(logging.Handler):
    """Prints one line per component, and the progress that components log.

    Progress is what the logger `tfx_vision` receives: an updated line on a terminal, occasional
    lines elsewhere; warnings are always printed.
    """

    def __init__(
        self, stream: Any, expected: Mapping[str, float] | None = None, *, silent: bool = False
    ) -> None:
        """Makes the console.

        Args:
          stream: Where to print.
          expected: Durations of the components in earlier runs, in seconds.
          silent: Whether to print neither components nor progress nor warnings; `console` prints.
        """
        super().__init__()
        self._expected = expected or {}
        self._progress = Progress("")
        wrap = not stream.isatty()
        self.console = Console(file=stream, highlight=False, soft_wrap=wrap)
        self.lines = Console(file=stream, highlight=False, soft_wrap=wrap, quiet=silent)
        self._silent = silent
        self._status: Status | None = None
        self._printed = 0.0
        self._held = ""

    def start(self, node: str) -> None:
        """Announces that a component begins."""
        self._progress = Progress(node, self._expected.get(node))
        self._printed = time.monotonic()
        self._held = ""
        if self.lines.is_terminal and not self._silent:
            self._status = self.lines.status(_Living(self._progress), spinner="dots")
            self._status.start()

    def finish(self, node: str, *, seconds: float, cached: bool, note: str = "") -> None:
        """Prints the component's line."""
        self.stop()
        self._release()
        took = "cached" if cached else f"{seconds:.1f} s"
        line = Text.assemble(
            ("  ✓ ", "green"), f"{node:<18}", (f"{took:>9}", "dim" if cached else ""), f"  {note}"
        )
        line.rstrip()
        self.lines.print(line)

    def fail(self, node: str, *, seconds: float) -> None:
        """Prints the line of a component that failed."""
        self.stop()
        self.lines.print(Text.assemble(("  ✗ ", "bold red"), f"{node:<18}{seconds:>7.1f} s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Shows a progress message; longer texts, such as a model's summary, go only to the log."""
        message = record.getMessage()
        if "\n" in message:
            return
        if record.levelno >= logging.WARNING:
            self.lines.print(Text(f"    {message}", style="yellow"))
            return
        told = self._progress.observe(message)
        if self._status is not None:
            self._held = message if message.startswith("epoch") else self._held
        elif message.startswith("epoch") and time.monotonic() - self._printed < _PACE:
            self._held = message
        else:
            self._release()
            self.lines.print(Text(f"    {told}", style="dim"))
            self._printed = time.monotonic()

    def _release(self) -> None:
        """Prints the deferred line of the last epoch."""
        if self._held:
            self.lines.print(Text(f"    {self._held}", style="dim"))
            self._held = ""

    def stop(self) -> None:
        """Ends the updated line, if there is one."""
        if self._status is not None:
            self._status.stop()
            self._status = None


class _Living:
    """The line of a running component, recomputed each time it is drawn."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __rich__(self) -> Text:
        return Text(self._progress.line, no_wrap=True, overflow="ellipsis")


class _Terminal:
    """A stream that tolerates a closed pipe: `| head` must not end hours of training."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        if not self._gone:
            with self._survived():
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        if not self._gone:
            with self._survived():
                self._stream.flush()

    def close(self) -> None:
        with self._survived():
            self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _survived(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._gone = True


@contextlib.contextmanager
def quiet(
    log_file: str, expected: Mapping[str, float] | None = None, *, silent: bool = False
) -> Iterator[RunConsole]:
    """Redirects both output streams and all logging to `log_file`; yields the terminal's console.

    The file descriptors are redirected, since TensorFlow's C++ code writes to them. The arguments
    are those of `RunConsole`.
    """
    os.makedirs(os.path.dirname(log_file), exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept_out, kept_err = os.dup(1), os.dup(2)
    terminal = _Terminal(os.fdopen(os.dup(kept_out), "w", buffering=1, encoding="utf-8"))
    console = RunConsole(terminal, expected, silent=silent)
    log = open(log_file, "a", buffering=1, encoding="utf-8")  # noqa: SIM115  (closed below)
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname).1s %(name)s  %(message)s"))
    root, ours = logging.getLogger(), logging.getLogger("tfx_vision")
    before = root.handlers[:], root.level, ours.level
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    ours.setLevel(logging.INFO)
    ours.addHandler(console)
    try:
        yield console
    finally:
        console.stop()
        ours.removeHandler(console)
        root.handlers[:], root.level, ours.level = before[0], before[1], before[2]
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept_out, 1)
        os.dup2(kept_err, 2)
        os.close(kept_out)
        os.close(kept_err)
        terminal.close()
        log.close()
