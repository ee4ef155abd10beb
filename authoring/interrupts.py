"""Ctrl-C and SIGTERM while a plan is carried out: the first asks to stop after the call in flight, the second stops at once.

Comes in: signals, in the main thread. Goes out: `asked`, which whoever carries out a plan looks at between two operations,
and `pause`, a sleep that a signal ends. One state for the process: several courses side by side stop together.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)

_wanted = threading.Event()
_first: list[signal.Signals] = []


def asked() -> signal.Signals | None:
    """The signal that asks to stop; None when there is none."""
    return _first[0] if _first else None


def exit_code() -> int:
    """What shells expect of a process that a signal ended: 128 and its number; 130 for Ctrl-C."""
    return 128 + (asked() or signal.SIGINT)


def pause(seconds: float) -> None:
    """Sleep; a signal ends it early."""
    _wanted.wait(seconds)


@contextmanager
def finishing_calls(tell: Callable[[], None]) -> Iterator[None]:
    """While this lasts the first signal is kept for `asked`, and `tell` is called; the second raises KeyboardInterrupt.

    Signals can be taken over in the main thread alone; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def received(number: int, frame: FrameType | None) -> None:
        if _first:
            raise KeyboardInterrupt
        _first.append(signal.Signals(number))
        _wanted.set()
        tell()

    _forget()
    heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup stays nohup
    before = {number: signal.signal(number, received) for number in heard}
    try:
        yield
    except KeyboardInterrupt:
        raise  # what was asked stays, for the exit code
    except BaseException:
        _forget()
        raise
    else:
        _forget()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _forget() -> None:
    _first.clear()
    _wanted.clear()
