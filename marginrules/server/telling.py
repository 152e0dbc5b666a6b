# SPDX-License-Identifier: Apache-2.0
"""Answers that take long: worked out off the thread that tells the caller how far they are."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_WAIT_S = 0.25


def told(work: Callable[[Callable[[T], None]], T], is_over: Callable[[], bool]) -> Iterator[T]:
    """
    Yield what work tells on its way, then what it returns; what it raises is raised.

    Args:
        work: gets what it tells with.
        is_over: says that nobody listens any more.
    """
    heard: queue.SimpleQueue[T | Exception | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            heard.put(work(heard.put))
        except Exception as error:  # noqa: BLE001 - raised again where the caller hears of it
            heard.put(error)
        heard.put(None)

    threading.Thread(target=run, name="telling", daemon=True).start()
    while not is_over():
        try:
            found = heard.get(timeout=_WAIT_S)
        except queue.Empty:
            continue
        if found is None:
            return
        if isinstance(found, Exception):
            raise found
        yield found


@contextmanager
def processes(count: int) -> Iterator[Executor]:
    """
    Yield processes of their own, as this one serves; 0: one for each core.

    They are not forked, since a fork of threads that wait dies.
    """
    with ProcessPoolExecutor(count or None, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor
