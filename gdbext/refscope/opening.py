# SPDX-License-Identifier: MIT
"""Opening a core on a thread of its own: one that is compressed is unpacked first, which takes its time."""

from __future__ import annotations

import threading
from ctypes import byref
from typing import Any, Callable, Optional

from . import _abi
from .writing import WAIT_MS, start_quietly

OnUnpacking = Callable[[int, int], object]
"""Told of bytes of the compressed file: how many are done, of how many."""


class Opening(threading.Thread):
    """insp_open_core: waited for, and called off where the waiting is interrupted."""

    def __init__(self, function: Any, path: bytes, options: Any, handle: Any) -> None:
        super().__init__(name="refscope-open", daemon=True)
        self.function, self.path, self.options, self.handle = function, path, options, handle
        self.unpacking = _abi.insp_unpacking()
        self.error = _abi.insp_error()
        self.status = 0
        self.ended = threading.Event()

    def run(self) -> None:
        try:
            watch, handle = byref(self.unpacking), byref(self.handle)
            options, error = byref(self.options), byref(self.error)
            self.status = self.function(self.path, options, watch, handle, error)
        finally:
            self.ended.set()

    def finish(self, tick: Optional[OnUnpacking]) -> None:
        """Until it has ended. An interruption ends it too, and is raised then."""
        start_quietly(self)
        try:
            while not self.ended.wait(WAIT_MS / 1000):
                if tick and self.unpacking.total:
                    tick(self.unpacking.done, self.unpacking.total)
        except BaseException:
            self.unpacking.stop = 1
            while not self._has_ended():
                pass
            raise

    def _has_ended(self) -> bool:
        try:
            return self.ended.wait(WAIT_MS / 1000)
        except KeyboardInterrupt:
            return False
