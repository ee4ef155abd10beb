"""How much a platform is asked at once, by all clients of a process together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

IN_FLIGHT = 16
"""Requests under way at once, unless said otherwise."""


class Limits:
    """A limit on requests per second and on requests under way, shared by as many clients as are given it.

    `per_second` None: no limit. Requests are spaced evenly: there are no bursts after a pause.
    """

    def __init__(
        self,
        per_second: float | None = None,
        in_flight: int = IN_FLIGHT,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1.0 / per_second if per_second else 0.0
        self._slots = threading.BoundedSemaphore(in_flight)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Wait until a request may be sent; it counts as under way until the context ends."""
        with self._slots:
            if self._gap:
                with self._lock:
                    now = self._clock()
                    begins = max(now, self._next)
                    self._next = begins + self._gap
                if begins > now:
                    self._sleep(begins - now)
            yield
