"""One run, or one command that changes something, at a time in a folder of runs.

On one machine `flock` decides: the kernel gives a lock back however its holder ends, so a dead
holder never blocks, and a process number that is used again says nothing. It also holds between
containers of one machine, whose process numbers and host names differ. Between machines that share
a folder it holds only on some file systems (NFSv4; not SMB, nor buckets mounted as folders). There
the record beside the lock counts: it is created by one machine alone, and its holder touches it as
long as it lives. Its age is measured by the file server's clock, since those of machines differ.
"""

import contextlib
import datetime
import errno
import fcntl
import functools
import json
import os
import platform
import re
import shlex
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer_modules.engine.errors import BadInputError

LOCK = ".lock"
HOLDER = ".lock.json"
# Seconds between two signs of life, and after how many without one a holder on another machine is
# dead: a step may keep Python's interpreter busy for a while, and NFS caches times for a minute.
_BEAT, _DEAD = 20.0, 300.0
# Two machines that took over the same record see after this time whose was written last.
_SETTLED = 1.0
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
# Not in a record that others read: `mysql://user:password@host`.
_PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a lock.

    Attributes:
      pid: Its process number, in its own container.
      host: The name of its machine or container.
      machine: What its machine is called until it starts again; containers share it.
      since: When it took the lock, ISO 8601.
      command: Its command line, without passwords.
      token: Tells this record from any other.
    """

    pid: int
    host: str
    machine: str
    since: str
    command: str
    token: str

    @property
    def words(self) -> str:
        """Who it is, since when, and what it does."""
        since = self.since.replace("T", " ")
        return f"process {self.pid} on {self.host} since {since} (`{self.command}`)"


@contextlib.contextmanager
def held(folder: str) -> Iterator[str]:
    """Holds the lock of a folder of runs.

    Args:
      folder: The folder, `<root>/<name>`; it exists.

    Yields:
      Whose lock was taken over, in words, if its holder ended without giving it back; else "".

    Raises:
      BadInputError: If another process holds it; the message names the process.
    """
    path = os.path.join(folder, HOLDER)
    mine = _this_process()
    with _kernel_lock(folder, path):
        try:
            dead = _take(folder, path, mine)
        except OSError as error:
            raise _not_writable(folder, error) from error
        ended = threading.Event()
        beating = threading.Thread(target=_beat, args=(path, mine, ended), daemon=True)
        beating.start()
        try:
            yield dead.words if dead else ""
        finally:
            ended.set()
            beating.join()
            if _read(path) == mine:
                os.unlink(path)


@contextlib.contextmanager
def _kernel_lock(folder: str, record: str) -> Iterator[None]:
    try:
        f = open(os.path.join(folder, LOCK), "a", encoding="utf-8")  # noqa: SIM115  (closed below)
    except OSError as error:
        raise _not_writable(folder, error) from error
    with f:
        try:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refused(folder, _read(record)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield


def _take(folder: str, path: str, mine: Holder) -> Holder | None:
    """Writes the record of this process; returns the dead holder whose record it replaces.

    Raises:
      BadInputError: If a process of another machine holds the lock.
    """
    written = _write(folder, mine)
    try:
        try:
            # Fails if the record exists, on every file system; the one that creates it holds it.
            os.link(written, path)
            return None
        except FileExistsError:
            pass
        except OSError:
            # File systems without links: creating a file is what they can do.
            with contextlib.suppress(FileExistsError), open(path, "x", encoding="utf-8") as f:
                json.dump(asdict(mine), f)
                return None
        other, silence = _read(path), _silence(folder, path)
        # `flock` was granted: a holder on this machine has ended.
        here = other is not None and other.machine == mine.machine
        if not here and silence < _DEAD:
            raise _refused(folder, other, silence)
        os.replace(written, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(written)
    if silence >= _DEAD:
        time.sleep(_SETTLED)
        if (winner := _read(path)) != mine:
            raise _refused(folder, winner)
    return other


def _write(folder: str, mine: Holder) -> str:
    descriptor, path = tempfile.mkstemp(dir=folder, prefix=f"{HOLDER}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as f:
        json.dump(asdict(mine), f)
    os.chmod(path, 0o644)
    return path


def _read(path: str) -> Holder | None:
    """Returns the holder in a record; None if there is none, or it is being written."""
    try:
        return Holder(**json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _silence(folder: str, path: str) -> float:
    """Returns the seconds since a record was touched, both ends by the file server's clock."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{HOLDER}.") as now:
        try:
            return os.stat(now.name).st_mtime - os.stat(path).st_mtime
        except FileNotFoundError:
            return 0.0  # Given back this moment, or taken by yet another.


def _beat(path: str, mine: Holder, ended: threading.Event) -> None:
    """Touches the record until `ended`, as long as it is that of this process."""
    while not ended.wait(_BEAT):
        if _read(path) == mine:
            with contextlib.suppress(OSError):
                os.utime(path)


def _not_writable(folder: str, error: OSError) -> BadInputError:
    return BadInputError(f"{folder} cannot be locked: {error.strerror}.")


def _refused(folder: str, other: Holder | None, silence: float | None = None) -> BadInputError:
    who = other.words if other else "a process that left no record"
    seen = ""
    if silence is not None:
        seen = (
            f" Its last sign of life was {max(silence, 0):.0f} s ago; {_DEAD:.0f} s after the last "
            "one its lock is taken over."
        )
    return BadInputError(
        f"{folder} is in use by {who}.{seen} Wait until it has ended; a run with another --name or "
        "--root is independent of it."
    )


def _this_process() -> Holder:
    command = shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
    return Holder(
        pid=os.getpid(),
        host=socket.gethostname(),
        machine=_machine(),
        since=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=_PASSWORD.sub("…@", command),
        token=uuid.uuid4().hex,
    )


@functools.cache
def _machine() -> str:
    """Returns what distinguishes this running kernel: `flock` holds within it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{platform.node()}-{uuid.getnode():x}"  # macOS
