#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write what the documentation says of verbs from the verbs themselves.

Usage: gen_docs.py commands          docs/commands.md, on standard output
       gen_docs.py man               the manual page refscope(1), on standard output
       gen_docs.py screens CORE      take docs/screens/*.txt anew, from a core of orders.py

A screen is a command after `$ ` and what it printed; it is taken by running that command.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "gdbext"))

from refscope import __version__, cli, verb, verbs  # noqa: E402

COMMANDS = ROOT / "docs" / "commands.md"
SCREENS = ROOT / "docs" / "screens"
CORE = "orders.core"  # what the core is called on a screen

HEAD = """\
# Commands

<!-- Written by `make docs` from the help texts and docs/screens/: change those. -->

On the command line a verb follows the core or the process: `refscope CORE|PID VERB`. In gdb each verb is
a command, `py-VERB`, with the same options; there EXPR may also be any expression of gdb's, and `help
py-VERB` prints what stands here. No command runs anything in the target or writes to it.

Screens are of the core of `test-targets/programs/orders.py` that `make demo` takes, called `orders.core`
here. What the JSON of each verb holds is in [formats.md](formats.md); how one goes about a leak, in
[tutorial.md](tutorial.md).
"""

IN_GDB = """
## In gdb only

| command | what it does |
|---|---|
| `set refscope limit N` | rows of a list before it is cut; 0 never cuts |
| `set refscope hints on\\|off\\|auto` | whether to propose what to give next; auto is on at a terminal |
| `set refscope progress on\\|off` | whether long work shows how far it is |
| `set refscope types FILES` | files that describe types of extension modules ([types.md](types.md)), with colons between them |
| `set refscope library FILE` | the `libinspect.so` to load; empty is the one that belongs to this refscope |
| `$_pyobj_type(ADDR)`, `$_pyobj_refcnt(ADDR)` | for conditions and `printf` |
"""


# ---- docs/commands.md -----------------------------------------------------------------------


def commands() -> str:
    """The whole of docs/commands.md."""
    parts = [HEAD, _table(), _before_the_verb()]
    parts += [_section(found.name, _help(found)) for found in verbs.ALL]
    parts += [_section("run", cli._RUN_HELP), IN_GDB]
    return "\n".join(parts)


def _table() -> str:
    rows = ["| verb | in gdb | what it answers |", "|---|---|---|"]
    for one in verbs.ALL:
        rows.append(f"| [`{one.name}`](#{one.name}) | `py-{one.name}` | {one.summary} |")
    rows.append("| [`run`](#run) | | Answer several verbs in one go; the heap is read once. |")
    return "\n".join(rows) + "\n"


def _before_the_verb() -> str:
    return f"## Before the verb\n\n{_block(_general_help())}"


def _general_help() -> str:
    """`refscope --help` without its list of verbs."""
    text = cli._HELP.format(usage=cli._USAGE, verbs="@")
    before, _, after = text.partition("\nVerbs:\n")
    return before + "\n" + after[after.index("Exit status") :]


def _help(found: verb.Verb) -> str:
    """The help of a verb, less what stands at the top of the page once."""
    text = verb.help_text(found, verb.SHELL_HELP, verbs.BY_NAME)
    return text.replace(f"\n\n{verb.NOTHING_RUNS}", "")


def _section(name: str, help_text: str) -> str:
    summary, _, rest = help_text.partition("\n\n")
    shown = "\n".join(_block(path.read_text()) for path in screens_of(name))
    return f"\n## {name}\n\n{summary}\n\n{_block(rest)}" + (f"\n{shown}" if shown else "")


def screens_of(name: str) -> list[Path]:
    """The screens of a verb: NAME.txt, NAME-2.txt ..."""
    found = [SCREENS / f"{name}.txt", *SCREENS.glob(f"{name}-*.txt")]
    return sorted(path for path in found if path.exists())


def _block(text: str) -> str:
    return f"```\n{text.strip(chr(10))}\n```\n"


# ---- screens --------------------------------------------------------------------------------


def take(core: str) -> None:
    """Run the command of each screen again and keep what it prints. Those of a process stay as they are."""
    for path in sorted(SCREENS.glob("*.txt")):
        line = path.read_text().splitlines()[0]
        if is_of_core(line):
            path.write_text(f"{line}\n{answer(line, core)}")


def is_of_core(line: str) -> bool:
    """Whether a screen is of the core, not of the process."""
    return shlex.split(line[2:])[1] == CORE


def answer(line: str, target: str) -> str:
    """What a screen's `$ refscope orders.core ...` prints of a target."""
    words = shlex.split(line[2:])
    words[:2] = [str(ROOT / "build" / "bin" / "refscope"), target]
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, cwd=scratch, text=True, check=False
        )
    return done.stdout


# ---- refscope(1) ----------------------------------------------------------------------------


def man() -> str:
    """The manual page, for groff's man macros."""
    parts = [
        f'.TH REFSCOPE 1 "" "refscope {__version__}" "User Commands"',
        ".SH NAME",
        "refscope \\- explain the heap of a CPython process or core dump from outside",
        ".SH SYNOPSIS",
        _raw(re.sub(r"(?m)^.{7}", "", cli._USAGE)),
        ".SH DESCRIPTION",
        _general_man(),
        ".SH VERBS",
        *(_verb_man(found) for found in verbs.ALL),
        ".SS run",
        _raw(cli._RUN_HELP),
        ".SH GDB",
        "Source refscope\\-gdb.py in gdb; each verb is then a command,",
        ".BR py\\-heap ,",
        ".BR py\\-refs ,",
        "and so on, with the same options.",
        ".SH ENVIRONMENT",
        ".TP\n.B REFSCOPE_LIB\nThe libinspect.so to load instead of the one installed.",
        ".TP\n.B NO_COLOR\nIf set and not empty, no colours.",
        ".SH SEE ALSO",
        ".BR gdb (1),\n.BR gcore (1),\n.BR core (5),\n.BR ptrace (2)",
    ]
    return "\n".join(parts) + "\n"


def _general_man() -> str:
    text = _general_help().partition(cli._USAGE)[2].strip()
    lines = []
    for paragraph in text.split("\n\n"):
        options = re.findall(r"^(--\S.*?|[A-Z]+)  +(\S.*)$", paragraph, re.M)
        if options:
            lines += [f".TP\n.B {_escape(head)}\n{_escape(what)}" for head, what in options]
        elif paragraph.startswith("Exit status: "):
            lines += [".SH EXIT STATUS", _escape(" ".join(paragraph[13:].split()))]
        else:
            lines += [".PP", _escape(" ".join(paragraph.split()))]
    return "\n".join(lines)


def _verb_man(found: verb.Verb) -> str:
    usage = verb.usage(found, verb.SHELL_HELP).replace(verb._NO_BREAK, " ")
    lines = [f".SS {found.name}", _escape(found.summary), ".PP", f".B {_escape(usage)}"]
    for option in found.all_options():
        lines.append(f".TP\n.B {_escape(option.heading())}\n{_escape(option.help)}")
    if found.body:
        lines.append(_raw(textwrap.dedent(found.body).strip("\n")))
    if found.see:
        known = [name for name in found.see if name in verbs.BY_NAME]
        lines += [".PP", f"See also {_escape(', '.join(known))}."]
    return "\n".join(lines)


def _raw(text: str) -> str:
    return f".PP\n.nf\n{_escape(text)}\n.fi"


def _escape(text: str) -> str:
    """Text as roff reads it: what begins a line or an escape, and true hyphens."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return re.sub(r"(?m)^\.", r"\\&.", text)


def main() -> int:
    if sys.argv[1:] == ["commands"]:
        sys.stdout.write(commands())
    elif sys.argv[1:] == ["man"]:
        sys.stdout.write(man())
    elif len(sys.argv) == 3 and sys.argv[1] == "screens":
        take(str(Path(sys.argv[2]).resolve()))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
