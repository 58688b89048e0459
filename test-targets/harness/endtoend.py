# SPDX-License-Identifier: MIT
"""Test cases that run refscope on a target and hold its answers against the truth.

`cases_of` makes one TestCase class for a target, with a test for each check, so that a failing
run says which decoder is wrong on which program.
"""
import collections
import os
import signal
import tempfile
import typing
import unittest
from pathlib import Path

from . import build, compare, planted, refscope, verbs, ways
from .corefile import Core
from .export import Export
from .report import Result
from .target import Process, Target
from .truth import Truth

Check = typing.Callable[..., Result]

VERB_LINES = ("heap", "gc", "arenas", "garbage", "cycles", "audit", "threads",
              "layout --check-traverse")


class Answered(typing.NamedTuple):
    """What refscope said of one target in one session."""

    case: compare.Case
    answers: refscope.Answers
    export: refscope.Ran


def require_refscope() -> None:
    """Without a build there is nothing to test; that is an error, not a skip."""
    if not refscope.PROGRAM.exists():
        raise AssertionError("%s is not there: run make first" % refscope.PROGRAM)


def answer(asked: typing.Any, folder: Path, truth: Truth, core: Path,
           facts: typing.Dict[str, typing.Any]) -> Answered:
    """Ask about a core or a process id, export it, and read the export back."""
    require_refscope()
    path = folder / "export.jsonl"
    ran = refscope.call(asked, "export", "--format", "jsonl", "-o", path)
    if ran.status != refscope.ANSWERED:
        raise AssertionError("export: status %d: %s" % (ran.status, ran.err.strip()[-1000:]))
    answers = refscope.ask(asked, VERB_LINES)
    case = compare.Case(Export.load(path), truth, Core(core), facts)
    return Answered(case, answers, ran)


class EndToEnd(unittest.TestCase):
    """One target; subclasses say which."""

    target: Target
    answered: Answered

    @classmethod
    def setUpClass(cls) -> None:
        missing = cls.target.missing()
        if missing:
            raise unittest.SkipTest("this interpreter has no %s" % ", ".join(missing))
        with tempfile.TemporaryDirectory(prefix="refscope-e2e-") as scratch:
            cls.answered = cls.ask(Path(scratch))

    @classmethod
    def ask(cls, scratch: Path) -> Answered:
        """On the target's core."""
        target = cls.target
        return answer(target.core, scratch, target.truth, target.core, target.facts)

    def hold(self, result: Result) -> None:
        """Fail with the whole report."""
        if not result.ok:
            self.fail("\n" + "\n".join(result.lines()))


class LiveEndToEnd(EndToEnd):
    """The same on a process that stands still; its truth comes when it goes on."""

    @classmethod
    def ask(cls, scratch: Path) -> Answered:
        with cls.target.live() as process:
            # The thread that waits is one of several: the others would go on.
            os.kill(process.pid, signal.SIGSTOP)
            asked = cls._ask_process(process, scratch)
            os.kill(process.pid, signal.SIGCONT)
            truth, facts = process.truth(), process.facts()
            return cls._answered(asked, scratch, truth, facts)

    @classmethod
    def _ask_process(cls, process: Process, scratch: Path) -> typing.Tuple[refscope.Ran, typing.Any]:
        process.dump(scratch / "core")
        before = process.memory()
        cls.changed = None
        path = scratch / "export.jsonl"
        ran = refscope.call(process.pid, "export", "--format", "jsonl", "-o", path)
        answers = refscope.ask(process.pid, VERB_LINES)
        after = process.memory()
        cls.changed = [name for name in before if before[name] != after.get(name)]
        return ran, answers

    @classmethod
    def _answered(cls, asked: typing.Tuple[refscope.Ran, typing.Any], scratch: Path, truth: Truth,
                  facts: typing.Dict[str, typing.Any]) -> Answered:
        ran, answers = asked
        if ran.status != refscope.ANSWERED:
            raise AssertionError("export: status %d: %s" % (ran.status, ran.err.strip()[-1000:]))
        export = Export.load(scratch / "export.jsonl")
        return Answered(compare.Case(export, truth, Core(scratch / "core"), facts), answers, ran)

    def test_nothing_was_written_to_the_process(self) -> None:
        self.assertEqual(self.changed, [])


def _export_test(check: Check) -> typing.Callable[[EndToEnd], None]:
    return lambda self: self.hold(check(self.answered.case))


def _verb_test(check: Check) -> typing.Callable[[EndToEnd], None]:
    return lambda self: self.hold(check(self.answered.case, self.answered.answers))


def case_of(name: str, python: str = build.DEFAULT_PYTHON, base: typing.Type[EndToEnd] = EndToEnd,
            args: typing.Sequence[str] = ()) -> typing.Type[EndToEnd]:
    """A TestCase of one target with one test a check."""
    tests: typing.Dict[str, typing.Any] = {"target": Target(name, python, args)}
    for check in compare.CHECKS:
        tests["test_export_" + check.__name__] = _export_test(check)
    for check in verbs.CHECKS:
        tests["test_verb_" + check.__name__] = _verb_test(check)
    tests["test_export_planted"] = _planted_test
    if not issubclass(base, LiveEndToEnd):  # that process has gone
        tests["test_verb_why"] = _why_test
        tests["test_verb_retained"] = _retained_test
    title = "".join(part.title() for part in name.split("_"))
    return type(title + base.__name__.replace("EndToEnd", "Test"), (base,), tests)


def _planted_test(self: EndToEnd) -> None:
    if not planted.has_facts(self.answered.case):
        self.skipTest("this program plants nothing for the export")
    self.hold(planted.planted(self.answered.case))


def _why_test(self: EndToEnd) -> None:
    garbage = self.answered.answers["garbage"]
    unreachable = refscope.addresses(garbage["unreachable"])
    self.hold(ways.why(self.answered.case, unreachable, refscope.addresses(garbage["with_them"])))


def _retained_test(self: EndToEnd) -> None:
    self.hold(ways.retained(self.answered.case))


def sample(case: compare.Case, count: int = 12) -> typing.List[int]:
    """Addresses of mortal objects that are spread over the heap."""
    mortal = sorted(o.addr for o in case.export.objects.values()
                    if not o.immortal and o.refcnt > 0 and case.in_core(o.addr) is not None)
    return mortal[::len(mortal) // count or 1]


def bills(case: compare.Case, facts: typing.Iterable[int]) -> Result:
    """`refs` of some objects: the bill adds up, against the core and the export."""
    result = Result("refs verb")
    asked = list(facts)
    answers = refscope.ask(case.core.path, ["refs %#x" % addr for addr in asked])
    for addr in asked:
        bill = answers["refs %#x" % addr]
        owned = sum(row["count"] for row in bill["owned"])
        real = case.in_core(addr)
        found = case.by_addr[addr]
        counted = collections.Counter(e.dst for e in case.export.edges if e.ref == "owned")
        result.compared += 1
        if real is None or bill["refcnt"] != real.count or owned != counted[found.id] or (
                owned + bill["remainder"] != real.count):
            result.add("bill does not add up", case.type_of(addr), addr, repr(bill)[:200])
        wanted = "balanced" if owned == bill["refcnt"] else (
            "surplus" if owned < bill["refcnt"] else "deficit")
        if bill["verdict"] != wanted:
            result.add("wrong verdict", case.type_of(addr), addr, bill["verdict"])
    return result
