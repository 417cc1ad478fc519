"""Keeps the output of libraries off the terminal, where the program prints its own lines."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def redirected() -> Iterator[None]:
    """Redirects logging, warnings and output of C++ code to a file, which is shown on failure.

    `print` still writes to the terminal. TensorFlow's C++ code writes to the file descriptors, so
    these are redirected, and Python's own streams use copies of them.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {1: os.dup(1), 2: os.dup(2)}
    streams = sys.stdout, sys.stderr
    root = logging.getLogger()
    before = root.handlers[:], root.level
    with tempfile.TemporaryFile("w+", buffering=1, encoding="utf-8") as log:
        sys.stdout, sys.stderr = _moved(sys.stdout, 1), _moved(sys.stderr, 2)
        for descriptor in kept:
            os.dup2(log.fileno(), descriptor)
        root.handlers[:] = [logging.StreamHandler(log)]
        logging.captureWarnings(True)
        try:
            yield
        except Exception as error:
            # Errors with a message for the user are the project's own ValueErrors and
            # RuntimeErrors.
            if not type(error).__module__.startswith(("trainer_modules.", "components.")):
                log.seek(0)
                os.write(kept[2], log.read().encode())
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            logging.captureWarnings(False)
            root.handlers[:], root.level = before
            for descriptor, copy in kept.items():
                os.dup2(copy, descriptor)
                os.close(copy)
            for moved, stream in zip((sys.stdout, sys.stderr), streams, strict=True):
                if moved is not stream:
                    moved.close()
            sys.stdout, sys.stderr = streams


def _moved(stream: Any, descriptor: int) -> Any:
    """Returns a stream to where `descriptor` leads now; one that leads elsewhere as it is."""
    try:
        if stream.fileno() != descriptor:
            return stream
    except (OSError, ValueError, AttributeError):
        return stream
    return os.fdopen(os.dup(descriptor), "w", buffering=1, encoding="utf-8")
