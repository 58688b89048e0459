# SPDX-License-Identifier: MIT
"""Runs gdb in batch mode with refscope sourced; finds cores of the planted programs.

A test that needs a question which the libinspect at hand does not answer yet is skipped by name.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GDBEXT = ROOT / "gdbext"
for folder in (GDBEXT, GDBEXT / "tests", ROOT / "test-targets"):
    sys.path.insert(0, str(folder))

from refscope import loader  # noqa: E402

SOURCE = GDBEXT / "refscope-gdb.py"
PROGRAM = Path(os.environ.get("REFSCOPE", str(ROOT / "build" / "bin" / "refscope")))
TIMEOUT = 120


def needs(*questions):
    """Skip a test where the library does not answer one of these: `thread_list`, `find` ..."""
    missing = [name for name in questions if not _answers(name)]
    return unittest.skipIf(missing, f"libinspect has no {', '.join(missing)}")


def _answers(question):
    try:
        getattr(loader.load(), f"insp_{question}")
    except (loader.LibraryError, AttributeError):
        return False
    return True


def core_of(name):
    """The core of a planted program, and what it says of itself."""
    from harness.target import Target

    target = Target(name)
    return target.core, target.facts


class Ran:
    """The outcome of one gdb."""

    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def __str__(self):
        return f"--- out\n{self.out}--- err\n{self.err}"


def gdb(*commands, core=None, pid=None, program=None, env=None, timeout=TIMEOUT):
    """gdb --batch -nx with refscope sourced, then these commands, whatever becomes of each."""
    words = ["gdb", "--batch", "-nx", "-q"]
    words += ["-ex", f"source {SOURCE}"]
    for command in commands:
        words += ["-ex", command]
    if pid is not None:
        words += ["-p", str(pid)]
    if program is not None:
        words += [str(program)]
    if core is not None:
        words += ["-c", str(core)]
    return Ran(
        subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            env={**os.environ, "TERM": "dumb", "DEBUGINFOD_URLS": "", **(env or {})},
            check=False,
        )
    )


def between(text, start, end=None):
    """What was printed between two echoed marks."""
    after = text.split(start, 1)[1] if start in text else ""
    return after.split(end, 1)[0] if end else after


def marked(*commands):
    """The commands, each after an echo of its own; see `answers`."""
    found = []
    for i, command in enumerate(commands):
        found += [f"echo @{i}@\\n", command]
    return found + ["echo @end@\\n"]


def answers(ran):
    """What each of the marked commands printed on standard output."""
    parts = re.split(r"@(?:\d+|end)@\n", ran.out)
    return parts[1:-1]


def refscope(*words):
    """The command line, as a user calls it."""
    return subprocess.run(
        [str(PROGRAM), *map(str, words)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=TIMEOUT,
        check=False,
    )


class GdbCase(unittest.TestCase):
    """A test case that never accepts a traceback."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if shutil.which("gdb") is None:
            raise unittest.SkipTest("gdb is not on this machine")

    def gdb(self, *commands, **more):
        ran = gdb(*commands, **more)
        for word in ("Traceback", "Python Exception", "a fault of refscope", "SystemError"):
            self.assertNotIn(word, ran.out + ran.err, str(ran))
        return ran


def load_json(line):
    """A JSON answer among other output."""
    return json.loads(next(x for x in line.splitlines() if x.startswith(("{", "["))))
