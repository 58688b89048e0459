# SPDX-License-Identifier: MIT
"""What a verb is: its words, its options, its question, its two answers.

A verb is declared once. From the declaration come the parser and the help of gdb's command and of
the command line's verb alike, so that neither can drift from the other.

A verb's module holds `ask(session, args)`, which returns a small dataclass; `as_json(answer)`;
`as_text(answer, style, spelling)`; and `VERB`. It never imports gdb, never prints, never touches
ctypes.
"""

import argparse
import difflib
import textwrap
from dataclasses import dataclass
from typing import Any, Callable, Iterable, List, NoReturn, Optional, Sequence, Tuple

from . import text

HELP_WIDTH = 80
_NO_BREAK = "\0"

STAGE_RUNTIME = 1
STAGE_OBJECTS = 2
STAGE_REFERENCES = 3
STAGE_REVERSE = 4
STAGE_NATIVE = 5
STAGE_RETAINED = 6


class VerbError(Exception):
    """What a person asked cannot be answered; the message is one line for them."""


class UsageError(VerbError):
    """The words given to a verb make no sense."""


@dataclass(frozen=True)
class Option:
    """`--flag` or `--flag VALUE`."""

    flag: str
    help: str
    metavar: str = ""  # "" for a switch
    convert: Callable[[str], Any] = str
    choices: Tuple[str, ...] = ()
    short: str = ""  # "-o"
    default: Any = None
    expr: bool = False  # its value is resolved like EXPR

    @property
    def dest(self) -> str:
        """The attribute of the parsed arguments."""
        return self.flag.lstrip("-").replace("-", "_")

    def usage(self) -> str:
        """As it stands in a usage line."""
        value = "|".join(self.choices) or self.metavar
        return f"[{self.short or self.flag}{' ' + value if value else ''}]"

    def heading(self) -> str:
        """As it stands before its explanation."""
        value = "|".join(self.choices) or self.metavar
        name = f"{self.short}, {self.flag}" if self.short else self.flag
        return f"{name} {value}" if value else name


@dataclass(frozen=True)
class Positional:
    """What follows the options: EXPR, or words that the verb names itself."""

    metavar: str
    required: bool = True
    expr: bool = True  # resolved to an address before `ask` is called
    object: bool = True  # an object must start there

    @property
    def dest(self) -> str:
        """The attribute of the parsed arguments."""
        return self.metavar.lower()

    def usage(self) -> str:
        """As it stands in a usage line."""
        return self.metavar if self.required else f"[{self.metavar}]"


def count(word: str) -> int:
    """A number of rows: 0 or more."""
    try:
        value = int(word, 10)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text.shorten(word, 20)}' is not a number") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


FORMAT = Option("--format", "print text, or JSON for programs.", choices=("text", "json"))


def limit(what: str, other: str = "") -> Option:
    """`--limit N` of a verb that lists `what`; `other` is a second name for it."""
    usual = text.DEFAULT_LIMIT
    return Option(
        "--limit", f"list at most N {what}, {usual} by default; 0 lists all of them.", "N", count,
        short=other,
    )


@dataclass(frozen=True)
class Verb:
    """One question about a heap."""

    name: str
    summary: str  # one sentence, the first line of its help
    stage: Callable[[argparse.Namespace], int]
    ask: Callable[[Any, argparse.Namespace], Any]
    as_json: Callable[[Any], Any]
    as_text: Callable[[Any, text.Style, text.Spelling], List[str]]
    options: Tuple[Option, ...] = ()
    positional: Optional[Positional] = None
    body: str = ""
    examples: Tuple[str, ...] = ()
    see: Tuple[str, ...] = ()
    fails: Callable[[Any], bool] = lambda answer: False  # what was to be checked does not hold
    partial: Callable[[Any], bool] = lambda answer: False  # the answer itself is not whole
    alone: bool = False  # it can answer of an object while the rest of a large heap was not read
    left_out: Callable[[Any], str] = lambda answer: ""  # what JSON leaves out, as a sentence

    def all_options(self) -> Tuple[Option, ...]:
        """Its own options and those that every verb has."""
        own = any(option.flag == FORMAT.flag for option in self.options)
        return self.options if own else self.options + (FORMAT,)

    def exprs(self) -> Iterable[str]:
        """Attributes of the parsed arguments that hold an EXPR to resolve."""
        for option in self.options:
            if option.expr:
                yield option.dest
        if self.positional and self.positional.expr:
            yield self.positional.dest

    def objects(self) -> Iterable[str]:
        """Those of them at whose address an object must start."""
        for dest in self.exprs():
            if not (self.positional and dest == self.positional.dest and not self.positional.object):
                yield dest


# ---- parsing --------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of printing and leaving."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parser_of(verb: Verb) -> argparse.ArgumentParser:
    """A parser of the words that follow the verb."""
    parser = _Parser(prog=verb.name, add_help=False, allow_abbrev=False)
    for option in verb.all_options():
        names = [option.short, option.flag] if option.short else [option.flag]
        if not option.metavar and not option.choices:
            parser.add_argument(*names, dest=option.dest, action="store_true")
            continue
        parser.add_argument(
            *names,
            dest=option.dest,
            type=option.convert,
            choices=option.choices or None,
            default=option.default,
            metavar=option.metavar or None,
        )
    if verb.positional:
        parser.add_argument(
            verb.positional.dest,
            nargs="+" if verb.positional.required else "*",
            metavar=verb.positional.metavar,
        )
    return parser


def _close(verb: Verb, words: Iterable[str]) -> str:
    """`. Close: --limit` where an option was mistyped, or ""."""
    flags = [option.flag for option in verb.all_options()]
    close = [
        flag
        for word in words
        if word.startswith("--")
        for flag in difflib.get_close_matches(word.split("=")[0], flags, 1, 0.8)
    ]
    return f". Close: {', '.join(close)}" if close else ""


def parse(verb: Verb, words: Sequence[str]) -> argparse.Namespace:
    """The arguments of a verb. An EXPR of several words is joined again.

    Raises UsageError.
    """
    args, rest = parser_of(verb).parse_known_args(list(words))
    if rest:
        raise UsageError(f"unrecognized arguments: {' '.join(rest)}{_close(verb, rest)}")
    if verb.positional:
        given = getattr(args, verb.positional.dest)
        setattr(args, verb.positional.dest, " ".join(given) if given else None)
    for missing in ("limit", "format"):
        if not hasattr(args, missing):
            setattr(args, missing, None)
    return args


# ---- help -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class HelpSpelling:
    """What differs between the help of gdb's commands and that of the command line."""

    in_gdb: bool
    start: str = ""  # before the verb: "py-", or "refscope CORE|PID "

    def command(self, name: str) -> str:
        """A verb as one types it."""
        return self.start + name

    def example(self, words: str) -> str:
        """A whole line as one types it."""
        return (self.start if self.in_gdb else "refscope core.1234 ") + words


GDB_HELP = HelpSpelling(True, "py-")
SHELL_HELP = HelpSpelling(False, "refscope CORE|PID ")

_EXPR_IN_GDB = (
    "EXPR is an address, any expression whose value is a PyObject pointer, or "
    "the name of a Python variable of the selected frame, else of its callers."
)
_EXPR_IN_SHELL = (
    "EXPR is an address as 0x7f..., or the name of a Python variable: of the innermost "
    "frame of the thread that holds the GIL, else of its callers."
)
NOTHING_RUNS = "Nothing is run in the process and nothing is written to it."


def usage(verb: Verb, spelling: HelpSpelling) -> str:
    """`py-refs [--limit N] [--all] EXPR`."""
    words = [spelling.command(verb.name)] + [option.usage() for option in verb.all_options()]
    if verb.positional:
        words.append(verb.positional.usage())
    # What belongs together is not broken between lines.
    return " ".join(word.replace(" ", _NO_BREAK) for word in words)


def help_text(verb: Verb, spelling: HelpSpelling, known: Iterable[str]) -> str:
    """The help of a verb in the form of gdb's own commands, at most 80 columns wide."""
    blocks = [verb.summary]
    blocks.append(_fill("Usage: " + usage(verb, spelling), hang=11))
    explained = []
    if any(True for _ in verb.exprs()):
        subject = _EXPR_IN_GDB if spelling.in_gdb else _EXPR_IN_SHELL
        name = verb.positional.metavar if verb.positional else "EXPR"
        explained.append(_fill(subject.replace("EXPR", name)))
    explained.extend(_option_lines(verb.options))
    if explained:
        blocks.append("\n".join(explained))
    if verb.body:
        blocks.append(verb.body.strip())
    blocks.append(NOTHING_RUNS)
    tail = [f"Example: {spelling.example(example)}" for example in verb.examples]
    see = [
        spelling.command(name) if spelling.in_gdb else name for name in verb.see if name in known
    ]
    if see:
        tail.append(_fill(f"See also: {', '.join(see)}.", hang=10))
    if tail:
        blocks.append("\n".join(tail))
    return "\n\n".join(blocks)


def _option_lines(options: Sequence[Option]) -> List[str]:
    heads = [option.heading() for option in options]
    room = min(max((len(head) for head in heads), default=0) + 2, 20)
    lines = []
    for head, option in zip(heads, options):
        beside = len(head) < room
        if not beside:
            lines.append(head)
        start = f"{head:<{room - 1}} " if beside else _NO_BREAK * room
        lines.append(_fill(start + option.help, hang=room))
    return lines


def _fill(paragraph: str, hang: int = 0) -> str:
    wrapped = textwrap.TextWrapper(
        width=HELP_WIDTH - 4,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    return "\n".join(wrapped.wrap(paragraph)).replace(_NO_BREAK, " ")
