# SPDX-License-Identifier: MIT
"""Functions of the library that write: each runs on a thread of its own.

On the caller's thread an interrupt inside a callback of ctypes would be printed and lost.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from ctypes import byref
from typing import Any, Callable, Optional

from . import _abi

# How long a wait takes at most: the time after which Ctrl-C is noticed.
WAIT_MS = 50


class Writing(threading.Thread):
    """A function that writes, on a thread of its own.

    Thread.join is of no use here: from Python 3.9 to 3.12 a join that Ctrl-C interrupts takes the thread
    for ended (threading.py, _wait_for_tstate_lock), and the session would be closed under it.
    """

    def __init__(
        self,
        function: Any,
        arguments: tuple[Any, ...],
        write: Callable[[bytes], object],
        zeros: Optional[Callable[[int], object]] = None,
    ) -> None:
        super().__init__(name="refscope-export", daemon=True)
        self.function, self.arguments = function, arguments
        self.write, self.zeros = write, zeros
        self.error = _abi.insp_error()
        self.status = 0
        self.begun = self.cancelled = self.ended = False
        self.failure: Optional[BaseException] = None
        self.bell = threading.Lock()
        self.bell.acquire()

    def run(self) -> None:
        self.begun = True
        try:
            if not self.cancelled:
                callback = _abi.insp_write_fn(self.take)
                self.status = self.function(*self.arguments, callback, None, byref(self.error))
        finally:
            self.ended = True
            self.bell.release()

    def wait(self, seconds: float) -> None:
        """Until it has ended, but not longer."""
        self.bell.acquire(timeout=seconds)

    def call_off(self) -> None:
        """Return when it does not run any more, and never will, however often Ctrl-C is pressed."""
        while True:
            try:
                # A thread that has not begun yet will see this, for it looks after it said that it begins.
                self.cancelled = True
                while self.begun and not self.ended:
                    self.wait(WAIT_MS / 1000)
                return
            except KeyboardInterrupt:
                continue

    def take(self, ctx: object, data: int, n: int) -> int:
        if self.cancelled:
            return 1
        try:
            if data or not self.zeros:
                self.write(ctypes.string_at(data, n))
            else:
                self.zeros(n)
        except BaseException as failure:  # noqa: BLE001 (it is raised again where it belongs)
            self.failure = failure
            return 1
        return 0


def start_quietly(thread: threading.Thread) -> None:
    """Start a thread that gets no asynchronous signal: the host expects them on its own threads."""
    faults = {signal.SIGBUS, signal.SIGSEGV, signal.SIGFPE, signal.SIGILL}
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
