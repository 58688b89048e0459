# SPDX-License-Identifier: MIT
"""py-heap, py-refs ...: a gdb command for each verb."""

from typing import Any, Iterable, List, Optional, Union

import gdb

from .. import asking, progress, target, text, verb, verbs
from ..session import InspectError
from ..target import TargetError
from . import names, sessions, settings, style


class Command(gdb.Command):
    """One verb. Its help, its options and its words are the verb's."""

    def __init__(self, found: verb.Verb) -> None:
        self.verb = found
        self.__doc__ = verb.help_text(found, verb.GDB_HELP, verbs.BY_NAME)
        super().__init__(f"py-{found.name}", gdb.COMMAND_DATA)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Answer; whatever goes wrong is one sentence."""
        self.dont_repeat()
        line = progress.Line("refscope", _to_stderr, settings.progress())
        try:
            lines = self._answer(gdb.string_to_argv(argument), line)
        except KeyboardInterrupt:
            line.erase()
            raise gdb.GdbError(_stopped(line, self.verb.name)) from None
        except verb.UsageError as error:
            raise gdb.GdbError(f"{target.bare(str(error))} (help py-{self.verb.name}).") from None
        except (TargetError, verb.VerbError) as error:
            raise gdb.GdbError(target.sentence(str(error))) from None
        except InspectError as error:
            line.erase()
            _write([problem for held in sessions.opened() for problem in held.fresh_problems()])
            raise gdb.GdbError(target.sentence(text.clean(error.message))) from None
        except gdb.GdbError:
            raise
        except Exception as error:
            if gdb.parameter("python print-stack") == "full":
                raise
            what = f"{type(error).__name__}: {text.shorten(str(error), 200)}"
            raise gdb.GdbError(
                f"py-{self.verb.name} failed: {what} (a fault of refscope; "
                "`set python print-stack full` shows where)."
            ) from None
        finally:
            line.erase()
        _write(lines)

    def _answer(self, words: List[str], line: progress.Line) -> List[str]:
        args = verb.parse(self.verb, words)
        if args.limit is None:
            args.limit = settings.limit()
        held = sessions.current()
        session = held.session
        asking.prepare(self.verb, session, args, names.resolve, line)
        args.tick = lambda: line.tick("writing")
        answer = self.verb.ask(session, args)
        line.erase()
        fresh = held.fresh_problems()
        if args.format == "json":
            return fresh + [_json(self.verb.as_json(answer))]
        spelling = text.in_gdb(verbs.BY_NAME, settings.hints())
        return fresh + self.verb.as_text(answer, style.current(), spelling)

    def complete(self, line: str, word: Optional[str]) -> Union[List[str], int]:
        """Options; values where they are few; names of the selected Python frame.

        gdb asks twice: without a word for what breaks the line, then for that word.
        """
        typed = line.split(" ")
        last = typed[-1]
        before = typed[-2] if len(typed) > 1 else ""
        for option in self.verb.all_options():
            takes_value = bool(option.metavar or option.choices)
            if takes_value and before and before in (option.flag, option.short):
                if option.metavar == "FILE":
                    return gdb.COMPLETE_FILENAME
                return _matching(option.choices, last, word)
        if last.startswith("-"):
            return _matching((option.flag for option in self.verb.all_options()), last, word)
        if not self.verb.positional:
            return []
        return _matching(_python_names(), last, word) or gdb.COMPLETE_EXPRESSION


def _matching(candidates: Iterable[str], typed: str, word: Optional[str]) -> List[str]:
    """gdb breaks words at '-' too: it wants the rest from `word` on."""
    skip = 0 if word is None else len(typed) - len(word)
    return sorted(found[skip:] for found in candidates if found.startswith(typed))


def _python_names() -> List[str]:
    """Locals of the selected frames, where a session is open: a Tab key derives nothing."""
    try:
        for held in sessions.opened():
            frames = names.selected_frames(held.session)
            return [local.name for frame in frames for local in frame.locals if local.name]
    except (InspectError, gdb.error):
        pass
    return []


def _json(answer: Any) -> str:
    from ..stream import answer_pieces

    return "".join(answer_pieces(answer))


def _stopped(line: progress.Line, name: str) -> str:
    """What Ctrl-C ended, and what of it is kept."""
    record = line.record
    if record is None:
        return "Stopped."
    words = f"Stopped in stage {progress.STAGES.get(int(record.stage), '?')}"
    if record.total:
        words += f" at {progress.percent(record)} %"
    kept = "what was derived before it is kept" if int(record.stage) > 1 else "nothing was lost"
    return f"{words}; {kept}. py-{name} begins that stage again."


def _write(lines: List[str]) -> None:
    """One block, so that the pager of gdb works; what a terminal cannot show is escaped."""
    if not lines:
        return
    block = "\n".join(lines) + "\n"
    try:
        gdb.write(block.encode("utf-8", "backslashreplace").decode("utf-8"))
    except (KeyboardInterrupt, gdb.error):
        # The reader has seen enough ("q" at the pager).
        pass


def _to_stderr(words: str) -> None:
    gdb.write(words, gdb.STDERR)
    gdb.flush(gdb.STDERR)


def register() -> None:
    """Add a command for each verb."""
    for found in verbs.ALL:
        Command(found)
