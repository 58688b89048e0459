# SPDX-License-Identifier: MIT
"""The line that says how far long work is.

Nothing is shown for the first second; after it, one line is rewritten at most twice a second,
and erased before an answer is printed.
"""

import time
from typing import Any, Callable

from . import text

QUIET_SECONDS = 1.0
EVERY_SECONDS = 0.5

STAGES = {
    1: "opening",
    2: "objects",
    3: "references",
    4: "reverse",
    5: "candidates",
    6: "retained",
}


def stage_words(record: Any) -> str:
    """`objects 61 %`, or the stage alone where its size is not known."""
    name = STAGES.get(int(record.stage), "working")
    return f"{name} {percent(record)} %" if record.total else name


def percent(record: Any) -> int:
    """How much of a stage is done; 100 only when all is."""
    return min(record.done * 100 // record.total, 100) if record.total else 0


class Line:
    """Told of each step; writes a line through `write`, which may be called with control codes."""

    def __init__(self, name: str, write: Callable[[str], object], shown: bool) -> None:
        self._name = name
        self._write = write
        self._shown = shown
        self._began = time.monotonic()
        self._last = 0.0
        self._stage = 0
        self._stage_began = self._began
        self._on_screen = False
        self.record: Any = None

    def __call__(self, record: Any) -> None:
        """A step of the work."""
        now = time.monotonic()
        if int(record.stage) != self._stage:
            self._stage, self._stage_began = int(record.stage), now
        self.record = record
        self._show(now, lambda: self._words(record, now))

    def tick(self, words: str) -> None:
        """A step of work that has no size."""
        now = time.monotonic()
        self._show(now, lambda: f"{words}  ({text.seconds(now - self._began)}; Ctrl-C stops)")

    def stages_done(self) -> None:
        """What comes now is no stage: an interruption has none to name."""
        self.record = None

    def erase(self) -> None:
        """Take the line away."""
        if self._on_screen:
            self._write("\r\033[K")
            self._on_screen = False

    def _show(self, now: float, words: Callable[[], str]) -> None:
        if not self._shown or now - self._began < QUIET_SECONDS or now - self._last < EVERY_SECONDS:
            return
        self._last = now
        self._on_screen = True
        self._write(f"\r\033[K{self._name}: {words()}")

    def _words(self, record: Any, now: float) -> str:
        parts = [text.plural(record.objects, "object")] if record.objects else []
        parts.append(text.seconds(now - self._began))
        if record.total and record.done:
            spent = now - self._stage_began
            left = spent * (record.total - record.done) / record.done
            parts.append(f"about {text.seconds(left)} left")
        return f"{stage_words(record)}  ({', '.join(parts)}; Ctrl-C stops)"
