# SPDX-License-Identifier: MIT
"""Every interpreter at hand against its own truth, program by program, and a table of the outcome.

A row is one interpreter; its figures are taken over all its programs. Nothing in a row is refscope's own
word: each figure comes from a check of compare.py or verbs.py, or is counted there.
"""
import concurrent.futures
import datetime
import json
import os
import platform
import subprocess
import tempfile
import time
import typing
from pathlib import Path

from . import build, compare, endtoend, interpreters, planted, refscope, verbs
from .report import Result
from .target import Target, TargetError

PROGRAMS = ("bare", "shared", "cycles", "finalizers", "weakrefs", "collector", "frozen", "leaks", "native",
            "over_release", "pinned", "subinterpreter", "exttypes", "expressions", "threads", "debug_hooks",
            "malloc", "traced", "orders", "stdlib")
LIVE = ("shared", "threads")
# By program, the checks that its planted facts make impossible to ask of this kind of build.
GDB_SOURCE = build.ROOT.parent / "gdbext" / "refscope-gdb.py"
GDB_VERBS = ("heap --limit 5", "gc", "threads")

Json = typing.Dict[str, typing.Any]


class Cell(typing.NamedTuple):
    """One program under one interpreter: what each check said, or why nothing was asked."""

    interpreter: str
    program: str
    error: str
    checks: typing.Dict[str, Json]
    seconds: float
    skipped: str = ""  # what the program needs that the interpreter does not have


def _check(result: Result) -> Json:
    groups: typing.Dict[typing.Tuple[str, str], typing.List[typing.Any]] = {}
    for mismatch in result.mismatches:
        groups.setdefault((mismatch.kind, mismatch.type), []).append(mismatch)
    ordered = sorted(groups.items(), key=lambda g: -len(g[1]))[:12]
    return {"ok": result.ok, "compared": result.compared, "mismatches": len(result.mismatches),
            "share": result.share, "figures": result.figures,
            "groups": [{"kind": kind, "type": name, "count": len(found), "addr": hex(found[0].addr),
                        "text": found[0].text} for (kind, name), found in ordered]}


class _Live(endtoend.LiveEndToEnd):
    """The live procedure without being a test."""


def _answered(target: Target, live: bool, scratch: Path) -> endtoend.Answered:
    if not live:
        return endtoend.answer(target.core, scratch, target.truth, target.core, target.facts)
    _Live.target = target
    answered = _Live.ask(scratch)
    if _Live.changed:
        raise AssertionError("the process changed while it was read: %s" % _Live.changed)
    return answered


def _results(answered: endtoend.Answered) -> typing.Iterator[Result]:
    yield from compare.run(answered.case)
    for check in verbs.CHECKS:
        try:
            yield check(answered.case, answered.answers)
        except (AssertionError, KeyError, TypeError, StopIteration) as error:
            failed = Result("%s verb" % check.__name__)
            failed.compared = 1
            failed.add("no answer", "", 0, str(error)[-300:])
            yield failed
    yield endtoend.bills(answered.case, endtoend.sample(answered.case))
    if planted.has_facts(answered.case):
        yield planted.planted(answered.case)


def run_cell(found: interpreters.Found, program: str) -> Cell:
    """All checks of one program; `NAME live` asks about the process instead of its core."""
    began = time.monotonic()
    name, _, live = program.partition(" ")
    try:
        target = Target(name, found.path)
        missing = target.missing()
        if missing:
            return Cell(found.name, program, "", {}, 0.0, "it has no %s" % ", ".join(missing))
        if not live:
            target.make()
        with tempfile.TemporaryDirectory(prefix="refscope-matrix-") as scratch:
            answered = _answered(target, bool(live), Path(scratch))
            checks = {result.check: _check(result) for result in _results(answered)}
        error = ""
    except (AssertionError, TargetError, build.BuildError, subprocess.TimeoutExpired) as problem:
        checks, error = {}, str(problem).strip()[-600:]
    return Cell(found.name, program, error, checks, time.monotonic() - began)


def run_gdb(found: interpreters.Found) -> Cell:
    """In gdb, on the core of `bare`, the commands say what the command line says, and nothing breaks."""
    began, result, error = time.monotonic(), Result("gdb"), ""
    try:
        core = Target("bare", found.path).core
        words = ["gdb", "--batch", "-nx", "-q", "-ex", "source %s" % GDB_SOURCE]
        for verb in GDB_VERBS:
            words += ["-ex", "echo @%s@\\n" % verb, "-ex", "py-" + verb]
        done = subprocess.run([*words, "-ex", "echo @@\\n", found.binary, "-c", str(core)], text=True,
                              capture_output=True, timeout=120, stdin=subprocess.DEVNULL,
                              env={**os.environ, "TERM": "dumb", "DEBUGINFOD_URLS": ""})
        for verb in GDB_VERBS:
            said = done.stdout.partition("@%s@\n" % verb)[2].partition("@")[0]
            asked = refscope.call(core, *verb.split())
            result.compared += 1
            if said.strip() != asked.out.strip() or "Traceback" in done.stderr:
                result.add("gdb says otherwise", verb, 0, "%r, not %r; %s" % (
                    said[:200], asked.out[:200], done.stderr.strip()[-200:]))
    except (AssertionError, TargetError, build.BuildError, subprocess.TimeoutExpired) as problem:
        error = str(problem).strip()[-600:]
    return Cell(found.name, "gdb", error, {"gdb": _check(result)} if not error else {}, time.monotonic() - began)


def _job(job: typing.Tuple[interpreters.Found, str]) -> Cell:
    return run_gdb(job[0]) if job[1] == "gdb" else run_cell(*job)


def _fits(found: interpreters.Found, program: str) -> bool:
    """Only cores are had of what runs in qemu, and this machine's gdb may not know the other's."""
    return found.machine == platform.machine() or (program != "gdb" and not program.endswith(" live"))


def run(chosen: typing.Sequence[interpreters.Found], programs: typing.Sequence[str],
        workers: int, tell: typing.Callable[[Cell], None]) -> typing.List[Cell]:
    """All cells; `tell` hears of each as it is done."""
    jobs = [(found, program) for found in chosen for program in programs if _fits(found, program)]
    cells = []
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        for cell in pool.map(_job, jobs):
            tell(cell)
            cells.append(cell)
    return cells


# ---- the table ------------------------------------------------------------------------------


def is_ok(cell: Cell) -> bool:
    """Whether every check of a cell holds."""
    return not cell.error and all(check["ok"] for check in cell.checks.values())


def _total(cells: typing.Sequence[Cell], check: str, key: str) -> int:
    return sum(c.checks[check][key] for c in cells if check in c.checks)


def _equal(cells: typing.Sequence[Cell], check: str) -> str:
    """"yes", or in how many programs it is so."""
    said = [c.checks[check]["ok"] for c in cells if check in c.checks]
    return "-" if not said else "yes" if all(said) else "%d of %d" % (sum(said), len(said))


def _figure(cells: typing.Sequence[Cell], word: str) -> typing.Optional[float]:
    compared = _total(cells, "balance", "compared")
    counted = sum(c.checks["balance"]["figures"].get(word, 0) for c in cells if "balance" in c.checks)
    return counted / compared if compared else None


def row_of(found: interpreters.Found, cells: typing.Sequence[Cell]) -> Json:
    """One interpreter's figures over all its cells, but those that ask for what it does not have."""
    skipped = {c.program: c.skipped for c in cells if c.skipped}
    cells = [c for c in cells if not c.skipped]
    compared, wrong = _total(cells, "visited", "compared"), _total(cells, "visited", "mismatches")
    unsupported = next((c.error for c in cells if "is not supported" in c.error), "")
    return {
        "name": found.name, "version": found.version, "kind": found.kind, "origin": found.origin,
        "programs": len(cells), "passed": sum(map(is_ok, cells)),
        "unsupported": unsupported.strip().rpartition(": ")[2],
        "objects": _total(cells, "objects", "compared"),
        "generations": _equal(cells, "generations"), "garbage": _equal(cells, "garbage verb"),
        "pymalloc": _equal(cells, "arenas verb"), "refcounts": _equal(cells, "refcounts"),
        "gdb": _equal(cells, "gdb"),
        "visited": 1 - wrong / compared if compared else None,
        "balanced": _figure(cells, "balanced"), "explained": _figure(cells, "explained"),
        "deficits": sum(c.checks["balance"]["figures"].get("deficits", 0) for c in cells if "balance" in c.checks),
        "seconds": round(sum(c.seconds for c in cells), 1),
        "skipped": skipped,
        "failed": {c.program: [c.error] if c.error else [k for k, v in c.checks.items() if not v["ok"]]
                   for c in cells if not is_ok(c)},
    }


COLUMNS = ("programs", "objects", "generations", "garbage", "pymalloc", "refcounts", "gdb", "visited",
           "balanced", "explained", "deficits")


def _text(row: Json, column: str) -> str:
    value = row[column]
    if column == "programs":
        return "%d of %d" % (row["passed"], row["programs"])
    if isinstance(value, float):
        return "%.2f %%" % (int(value * 1e4) / 1e2)  # cut, not rounded: 100 means all
    return "-" if value is None else "{:,}".format(value) if isinstance(value, int) else value


def markdown(rows: typing.Sequence[Json], missing: typing.Sequence[interpreters.Missing]) -> str:
    """The table for people."""
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    lines = ["Interpreters against their own truth, %s (`make check-matrix`)." % day, "",
             "| interpreter | version | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for row in rows:
        cells = ["not supported"] + [""] * (len(COLUMNS) - 1) if row["unsupported"] else [
            _text(row, column) for column in COLUMNS]
        lines.append("| " + " | ".join([row["name"], row["version"], *cells]) + " |")
    lines += ["| %s | not here: %s |%s" % (m.name, m.reason, " |" * len(COLUMNS)) for m in missing]
    return "\n".join(lines) + "\n"


def failures(row: Json) -> typing.List[str]:
    """Lines that say what failed in a row."""
    return ["%s %s: %s" % (row["name"], program, ", ".join(what)) for program, what in row["failed"].items()]


def skipped(row: Json) -> typing.List[str]:
    """Lines that say what was not asked, and why."""
    return ["%s %s: skipped, %s" % (row["name"], *each) for each in row["skipped"].items()]


def details(cells: typing.Sequence[Cell]) -> typing.Iterator[str]:
    """The mismatches of every check that failed, grouped, with one example each."""
    for cell in cells:
        if cell.error:
            yield "%s %s: %s" % (cell.interpreter, cell.program, cell.error)
        for name, check in cell.checks.items():
            if check["ok"]:
                continue
            yield "%s %s: %s: %d of %d" % (cell.interpreter, cell.program, name, check["mismatches"], check["compared"])
            for group in check["groups"]:
                yield "    %6d %s, %s: %s %s" % (group["count"], group["kind"], group["type"], group["addr"], group["text"])


def write(rows: typing.Sequence[Json], missing: typing.Sequence[interpreters.Missing],
          cells: typing.Sequence[Cell]) -> None:
    """build/matrix.md, .json and, for what failed, .txt."""
    build.BUILD.mkdir(parents=True, exist_ok=True)
    (build.BUILD / "matrix.md").write_text(markdown(rows, missing))
    (build.BUILD / "matrix.json").write_text(json.dumps(
        {"rows": rows, "not_here": [m._asdict() for m in missing], "cells": [c._asdict() for c in cells]}, indent=1) + "\n")
    (build.BUILD / "matrix.txt").write_text("\n".join(details(cells)) + "\n")
