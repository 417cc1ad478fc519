"""A few threads at work on a stream, results in order and only a few in memory."""

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run(tasks: Iterable[Callable[[], T]], *, threads: int) -> Iterator[T]:
    """Yields what the tasks return, in their order.

    Decoding, hashing and reading all release Python's lock. At most twice as many tasks as
    threads are under way, so that memory does not grow with their number.
    """
    waiting: collections.deque[Future[T]] = collections.deque()
    with ThreadPoolExecutor(threads) as pool:
        for task in tasks:
            waiting.append(pool.submit(task))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def thread_count(*, remote: bool) -> int:
    """Returns how many threads to use: more where reading waits for a network."""
    return 32 if remote else min(8, 1 + (os.cpu_count() or 1))
