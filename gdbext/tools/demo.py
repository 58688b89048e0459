#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make demo` shows: a program with planted bugs, its core dump, and the questions one asks.

Every line after `$` or `(gdb)` is a command that was run, and what follows is what it printed.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

from harness.build import BuildError
from harness.supported import why_not
from harness.target import Target, TargetError

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 100


def main() -> int:
    say("""
        orders.py is a small shop. Its C extension forgets two Py_DECREFs on a row it could not read,
        and does one too many on a batch. It stands still in serve(); gdb's gcore takes a core dump.
        Nothing that follows runs any of its code: it is all read from the dump.
    """)
    try:
        target = Target("orders")
        core = os.path.relpath(target.core, ROOT)
        batch = target.facts["remainders"][1]["addr"]
        problem = why_not("orders")
    except (BuildError, TargetError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    if problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 2
    tour(core)
    program = os.path.relpath(os.environ["REFSCOPE"], ROOT)
    show("The same without gdb, for scripts and pipes.", [program, core, "refs", f"{batch:#x}"])
    show("The last screen: a count explained, a cycle and why it is still here, the arenas.",
         [*GDB, core, *typed("py-refs row", "py-cycles --limit 3", "py-arenas")])  # fmt: skip
    print("\n---- Now you\n")
    print(f"$ {program} --help")
    print(f"$ gdb -x gdbext/refscope-gdb.py -c {core}")
    return 1 if failed else 0


GDB = ["gdb", "-nx", "-q", "-batch", "-x", "gdbext/refscope-gdb.py", "-c"]

TOUR = (
    ("What is in this heap?", ("py-heap --limit 8", "py-gc")),
    ("Where was it? No debug information is needed.", ("py-threads",)),
    ("CONFIG, where all is well: who holds each reference?", ("py-refs CONFIG", "py-obj CONFIG")),
    ("The batch: released once too often, it will be freed too early.", ("py-refs batch",)),
    ("39 sessions were dropped. What would a collection free?", ("py-garbage",)),
)


def typed(*commands: str) -> list[str]:
    """gdb's arguments for commands, each shown before what it prints."""
    shown = []
    for command in commands:
        shown += ["-ex", f"echo \\n(gdb) {command}\\n", "-ex", command]
    return shown


def tour(core: str) -> None:
    """The commands in gdb, where a name of the selected frame is enough."""
    for why, commands in TOUR:
        show(why, [*GDB, core, *typed(*commands)])


failed: list[str] = []


def say(text: str) -> None:
    print(textwrap.fill(" ".join(text.split()), WIDTH), flush=True)


def show(why: str, command: list[str]) -> None:
    """Run a command as a person would, and print what it prints; of gdb, what was asked."""
    said = "" if command[0] == "gdb" else f"\n\n$ {shlex.join(command)}"
    print(f"\n---- {why}{said}", flush=True)
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace")  # fmt: skip
    # gdb 16 says it of every core that its gcore takes on a processor with much state.
    warned = [line for line in done.stderr.splitlines() if ".reg-xstate/" not in line]
    for line in filter(None, warned):
        print(line, file=sys.stderr, flush=True)
    text = done.stdout
    if command[0] == "gdb" and "\n(gdb) " in text:
        text = text[text.index("\n(gdb) "):]
    print(text, end="", flush=True)
    # 4: answered in part, and the answer says which.
    if done.returncode not in (0, 4):
        failed.append(shlex.join(command))
        print(f"demo: that ended with status {done.returncode}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
