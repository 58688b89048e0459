#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make demo` shows: a program with planted bugs, its core dump, and the questions one asks.

Every line after a `$` is a command that was run, and what follows is all it printed.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

from harness.build import BuildError
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
        row, batch = (fact["addr"] for fact in target.facts["remainders"])
    except (BuildError, TargetError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    program = os.path.relpath(os.environ["REFSCOPE"], ROOT)
    ask = [program, core]
    show("What is in this heap?", [*ask, "heap", "--limit", "8"])
    show("CONFIG, where all is well: who holds each reference?", [*ask, "refs", "config"])
    show("The row: two references that nobody owns.", [*ask, "refs", f"{row:#x}"])
    show("The batch: released once too often, it will be freed too early.",
         [*ask, "refs", f"{batch:#x}"])  # fmt: skip
    show("39 sessions were dropped, and each is a ring.", [*ask, "cycles", "--limit", "3"])
    gdb = ["gdb", "-nx", "-q", "-batch", "-x", "gdbext/refscope-gdb.py", "-c", core]
    show("The same in gdb, where a name is enough.", [*gdb, "-ex", "py-refs row"])
    print("\n---- Now you\n")
    print(f"$ {program} --help")
    print(f"$ gdb -x gdbext/refscope-gdb.py -c {core}")
    return 1 if failed else 0


failed: list[str] = []


def say(text: str) -> None:
    print(textwrap.fill(" ".join(text.split()), WIDTH), flush=True)


def show(why: str, command: list[str]) -> None:
    """Run a command as a person would, and print what it prints."""
    print(f"\n---- {why}\n\n$ {shlex.join(command)}", flush=True)
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    # 4: answered in part, and the answer says which.
    if done.returncode not in (0, 4):
        failed.append(shlex.join(command))
        print(f"demo: that ended with status {done.returncode}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
