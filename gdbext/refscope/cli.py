# SPDX-License-Identifier: MIT
"""The command line: `refscope [options] CORE|PID VERB [ARGS]`.

Exit status: 0 answered; 1 answered, and what was to be checked does not hold; 2 usage, or cannot
be answered; 3 not a CPython process; 4 answered in part.
"""

import argparse
import gc
import json
import os
import shlex
import sys
from dataclasses import dataclass, field
from typing import Any, Dict, List, NoReturn, Optional, Sequence, Tuple

from . import __version__, asking, descriptions, progress, target, text, verb, verbs
from .session import InspectError
from .stream import answer_pieces, value_pieces
from .target import EXIT_CHECK, EXIT_FAILED, EXIT_NO_PYTHON, EXIT_OK, EXIT_PARTIAL, TargetError

_USAGE = """\
usage: refscope [--exe FILE] [--sysroot DIR] [--format text|json] [--limit N]
                [--no-hints] CORE|PID VERB [ARGS]
       refscope [options] CORE|PID run [-f FILE] [-- VERB ARGS ; VERB ARGS ...]
       refscope --help | --version | VERB --help"""

_HELP = """\
{usage}

What is in the heap of a CPython process or core dump, and why. Nothing is run
in the process and nothing is written to it.

CORE            a core dump of a CPython process, or one compressed with zstd, lz4,
                xz, gzip or bzip2
PID             a process: it is held for a moment, copied, and let go
--exe FILE      the executable, if it is not where the core says
--sysroot DIR   a folder to look for all files of the process in
--types FILE    slots of types that refscope does not know (docs/types.md)
--format F      text for people, json for programs
--limit N       rows of a list in text, 20 by default; 0 lists all
--no-hints      do not propose commands to give next

Verbs:
{verbs}
  run         Answer several verbs in one go; the heap is read once.

refscope VERB --help says more of one.

Exit status: 0 answered; 1 answered, and what was to be checked does not hold;
2 usage, or cannot be answered; 3 not a CPython process; 4 answered in part."""

_RUN_HELP = """\
Answer several verbs in one go; the heap is read once.

Usage: refscope [options] CORE|PID run [-f FILE] [-- VERB ARGS ; VERB ARGS ...]

-f FILE   read verbs from a file, one a line; "-" is standard input. A line
          that begins with # is a comment.

A verb that fails does not end the run. With --format json each answer is one
line with "verb", "status" and "answer" (or "error").

Example: refscope core.25402 run -- heap ';' gc ';' refs 0x7ffbf783e340
Example: refscope --format json core.25402 run -f verbs.txt"""


# ---- options before the verb ----------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise verb.UsageError(message)


@dataclass(frozen=True)
class Request:
    """What was typed."""

    options: argparse.Namespace
    word: str  # the target
    name: str  # the verb
    words: List[str]  # what follows it


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="refscope", add_help=False, allow_abbrev=False)
    parser.add_argument("--exe")
    parser.add_argument("--sysroot")
    parser.add_argument("--types", action="append", default=[])
    parser.add_argument("--format", choices=("text", "json"), default=None)
    parser.add_argument("--limit", type=verb.count, default=None)
    parser.add_argument("--no-hints", action="store_true")
    parser.add_argument("--help", "-h", action="store_true")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("rest", nargs=argparse.REMAINDER)
    return parser


def parse(argv: Sequence[str]) -> Request:
    """The words of the command line. Raises UsageError."""
    options = _parser().parse_args(list(argv))
    rest = list(options.rest)
    if rest and rest[0] in verbs.BY_NAME and rest[1:] in (["--help"], ["-h"]):
        return Request(options, "", rest[0], rest[1:])
    if rest == ["run", "--help"] or rest == ["run", "-h"]:
        return Request(options, "", "run", rest[1:])
    if not rest and not options.help and not options.version:
        raise verb.UsageError("no target is given: a core file or a process id, then a verb.")
    if len(rest) == 1 and not options.help and not options.version:
        raise verb.UsageError(_one_word(rest[0]))
    return Request(options, rest[0] if rest else "", rest[1] if len(rest) > 1 else "", rest[2:])


def _one_word(word: str) -> str:
    if word in verbs.BY_NAME:
        return f"{word} of what? Give a core file or a process id before it."
    return "no verb is given; --help lists them."


# ---- main -----------------------------------------------------------------------------------


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Answer, and return the exit status. Nothing of ours ends in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # What a terminal cannot show is escaped, not an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    # Answers may be millions of rows, and this process is over soon: collecting is lost time.
    gc.disable()
    try:
        status = _main(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # The reader has seen enough (`| head`); what is buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_OK
    except KeyboardInterrupt:
        _complain("stopped.")
        return EXIT_FAILED
    except MemoryError:
        _complain("this machine is out of memory.")
        return EXIT_FAILED


def _main(argv: Sequence[str]) -> int:
    try:
        request = parse(argv)
        if _show_help(request):
            return EXIT_OK
        if request.name == "run":
            jobs = _run_jobs(request.words)
        else:
            jobs = [(request.name, request.words)]
            _arguments(request, request.name, request.words)
    except verb.VerbError as error:
        _complain(str(error))
        return EXIT_FAILED
    return _answer_all(request, jobs)


def _complain(message: str) -> None:
    line = f"refscope: {target.sentence(message)}\n"
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except OSError:
        pass


def _show_help(request: Request) -> bool:
    if request.options.version:
        print(f"refscope {__version__}")
        return True
    asked = request.options.help or request.words[:1] in (["--help"], ["-h"])
    if not asked and "--help" not in request.words:
        return False
    if request.name == "run":
        print(_RUN_HELP)
    elif request.name in verbs.BY_NAME:
        print(verb.help_text(verbs.BY_NAME[request.name], verb.SHELL_HELP, verbs.BY_NAME))
    elif asked or not request.name:
        listed = "\n".join(f"  {v.name:<10}  {v.summary}" for v in verbs.ALL)
        print(_HELP.format(usage=_USAGE, verbs=listed))
    else:
        return False
    return True


def _arguments(
    request: Request, name: str, words: Sequence[str]
) -> Tuple[verb.Verb, argparse.Namespace]:
    """A verb and its arguments; options before the verb count where it has them."""
    found = verbs.named(name)
    try:
        args = verb.parse(found, words)
    except verb.UsageError as error:
        raise verb.UsageError(f"{target.bare(str(error))} (refscope {name} --help)") from None
    if args.limit is None:
        args.limit = request.options.limit
    if args.format is None:
        args.format = request.options.format
    return found, args


def _run_jobs(words: Sequence[str]) -> List[Tuple[str, List[str]]]:
    """The verbs of `run`, with their words. Raises UsageError."""
    before, after = list(words), []
    if "--" in before:
        cut = before.index("--")
        before, after = before[:cut], before[cut + 1 :]
    parser = _Parser(prog="run", add_help=False, allow_abbrev=False)
    parser.add_argument("-f", dest="file")
    args = parser.parse_args(before)
    jobs = _jobs_of_file(args.file) if args.file else []
    jobs += _jobs_of_words(after)
    if not jobs:
        raise verb.UsageError("run has nothing to do: give verbs after --, or -f FILE.")
    return jobs


def _jobs_of_words(words: Sequence[str]) -> List[Tuple[str, List[str]]]:
    """`;` stands alone, ends a word, or the whole is one quoted word."""
    if len(words) == 1 and (" " in words[0] or ";" in words[0]):
        words = _split(words[0].replace(";", " ; "))
    jobs: List[List[str]] = [[]]
    for word in words:
        ends = word.endswith(";")
        if word.rstrip(";"):
            jobs[-1].append(word.rstrip(";") if ends else word)
        if ends:
            jobs.append([])
    return [(job[0], job[1:]) for job in jobs if job]


def _split(line: str) -> List[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise verb.UsageError(f"{text.shorten(line, 40)}: {str(error).lower()}") from None


def _jobs_of_file(path: str) -> List[Tuple[str, List[str]]]:
    try:
        if path == "-":
            lines = sys.stdin.read().splitlines()
        else:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
    except OSError as error:
        raise verb.UsageError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    jobs = []
    for line in lines:
        if not line.lstrip().startswith("#"):
            jobs.extend(_jobs_of_words(_split(line)))
    return jobs


# ---- answering ------------------------------------------------------------------------------


def _answer_all(request: Request, jobs: Sequence[Tuple[str, List[str]]]) -> int:
    options = request.options
    descriptions.add(options.types)
    line = progress.Line(os.path.basename(request.word), Front._to_stderr, sys.stderr.isatty())
    try:
        session = target.open_word(
            request.word,
            options.exe,
            options.sysroot,
            lambda done, total: line.tick(f"unpacking {100 * done // total} %"),
        )
    except TargetError as error:
        _complain(str(error))
        return error.status
    finally:
        line.erase()
    with session:
        front = Front(session, request)
        if request.name == "run":
            return front.run(jobs)
        return front.single(*jobs[0])


@dataclass
class Result:
    """How one verb went."""

    status: int
    text: Optional[List[str]] = None
    json: Any = None
    error: str = ""


@dataclass
class Front:
    """One opened session and the person who asks."""

    session: Any
    request: Request
    told: List[str] = field(default_factory=list)  # problems, each said once
    errors: List[str] = field(default_factory=list)  # of a run, each said once

    def __post_init__(self) -> None:
        options = self.request.options
        tty = sys.stdout.isatty()
        self.json = options.format == "json"
        self.style = text.ansi if tty and _colour() else text.plain
        hints = tty and not options.no_hints
        self.spelling = text.on_command_line(verbs.BY_NAME, _start(self.request), hints)

    def single(self, name: str, words: List[str]) -> int:
        """One verb."""
        result = self.ask(name, words)
        if result.error:
            _complain(result.error)
            return result.status
        self._print(result)
        return result.status

    def run(self, jobs: Sequence[Tuple[str, List[str]]]) -> int:
        """Many verbs; one that fails does not end the run."""
        statuses = []
        for i, (name, words) in enumerate(jobs):
            result = self.ask(name, words)
            statuses.append(result.status)
            if self.json:
                self._print_job(name, words, result)
            else:
                print(f"{'' if i == 0 else chr(10)}# {' '.join([name, *words])}")
                self._print_or_complain(result)
            sys.stdout.flush()
        return _of_many(statuses)

    def _print_or_complain(self, result: Result) -> None:
        """An error that every verb of a run has, such as "no Python here", is said once."""
        if not result.error:
            self._print(result)
        elif result.error not in self.errors:
            self.errors.append(result.error)
            _complain(result.error)

    def _print_job(self, name: str, words: List[str], result: Result) -> None:
        line: Dict[str, Any] = {"schema": 1, "verb": name, "args": words, "status": result.status}
        if result.error:
            line["error"] = result.error
            print(json.dumps(line))
            return
        sys.stdout.write(json.dumps(line)[:-1] + ', "answer": ')
        sys.stdout.writelines(value_pieces(result.json))
        print("}")

    def _print(self, result: Result) -> None:
        if result.text is not None:
            if result.text:
                print("\n".join(result.text))
            return
        sys.stdout.writelines(answer_pieces(result.json))
        print()

    # ---- one verb ----

    def ask(self, name: str, words: List[str]) -> Result:
        """Answer one verb, whatever happens."""
        line = progress.Line(
            os.path.basename(self.request.word), self._to_stderr, sys.stderr.isatty()
        )
        try:
            return self._ask(name, words, line)
        except KeyboardInterrupt:
            return Result(EXIT_FAILED, error=f"{self._name}: {_stopped(line)}")
        except TargetError as error:
            return Result(error.status, error=str(error))
        except verb.VerbError as error:
            return Result(EXIT_FAILED, error=str(error))
        except InspectError as error:
            self._tell_problems()
            program = self.session.session_target().exe
            failed = target.from_library(error, self.request.word, program=program)
            return Result(failed.status, error=str(failed))
        finally:
            line.erase()

    @property
    def _name(self) -> str:
        return target.name_of(self.request.word)

    def _ask(self, name: str, words: List[str], line: progress.Line) -> Result:
        found, args = _arguments(self.request, name, words)
        as_json = args.format == "json" or (self.json and args.format not in ("text", "json"))
        asking.prepare(found, self.session, args, target.resolve, line)
        if name == "export":
            args.stream = sys.stdout.buffer
        args.tick = lambda: line.tick("writing")
        answer = found.ask(self.session, args)
        line.erase()
        partial = self._tell_problems() or found.partial(answer)
        if as_json and found.left_out(answer):
            _complain(f"{self._name}: {found.left_out(answer)}")
        status = EXIT_CHECK if found.fails(answer) else EXIT_PARTIAL if partial else EXIT_OK
        if as_json:
            silent = name == "export" and args.output is None
            return Result(status, json=found.as_json(answer)) if not silent else Result(status, [])
        return Result(status, text=found.as_text(answer, self.style, self.spelling))

    def _tell_problems(self) -> bool:
        """Say on stderr what is not whole; True if anything is."""
        fresh = target.problems(self.session, self._name, self.told)
        for problem in fresh:
            _complain(problem)
        self.told.extend(fresh)
        return bool(self.told)

    @staticmethod
    def _to_stderr(line: str) -> None:
        sys.stderr.write(line)
        sys.stderr.flush()


def _stopped(line: progress.Line) -> str:
    """What Ctrl-C ended."""
    if line.record is None:
        return "stopped."
    return f"stopped in stage {progress.stage_words(line.record)}."


def _of_many(statuses: Sequence[int]) -> int:
    """The status of a run: that of all if they agree, else in part."""
    if len(set(statuses)) == 1:
        return statuses[0]
    if all(status in (EXIT_OK, EXIT_CHECK) for status in statuses):
        return EXIT_CHECK
    return EXIT_NO_PYTHON if set(statuses) == {EXIT_NO_PYTHON} else EXIT_PARTIAL


def _colour() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _start(request: Request) -> str:
    """How the caller began: what a proposed command begins with."""
    typed = sys.argv[0] if sys.argv and "refscope" in os.path.basename(sys.argv[0]) else ""
    program = typed if "/" in typed and not _on_path(typed) else "refscope"
    words = [program]
    for flag, value in (("--exe", request.options.exe), ("--sysroot", request.options.sysroot)):
        if value:
            words += [flag, value]
    for name in request.options.types:
        words += ["--types", name]
    return " ".join(shlex.quote(word) for word in words + [request.word])


def _on_path(program: str) -> bool:
    folder = os.path.dirname(os.path.abspath(program))
    return folder in os.environ.get("PATH", "").split(os.pathsep)
