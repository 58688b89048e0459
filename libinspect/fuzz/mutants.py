#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ask refscope everything about damaged cores: it may say no, but not crash, hang or eat the machine.

Usage: mutants.py [-n N] [--seed S] [--keep FOLDER] [--only SEED] CORE|PROGRAM...

PROGRAM is one of test-targets/programs: it is dumped, if it was not before.

Each mutant is asked all verbs in one `refscope run`. It may take 10 times the processor time and
twice the memory that the clean core takes on this machine, now. Each seed that takes more, dies of a
signal, prints a traceback or answers what is no JSON is told, with the seed that makes it again;
--keep keeps its core. Exit status 1 if there was one.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
import mutate  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
REFSCOPE = os.environ.get("REFSCOPE", str(ROOT / "build" / "bin" / "refscope"))
TIMES, MEMORIES = 10, 2
# The processor's time says what refscope does, the wall's what others do: it only ends what sleeps.
WALL = 60
ANSWERED, IN_PART = 0, 4
STATUSES = (0, 1, 2, 3, 4)


class Cost(NamedTuple):
    """What one run took."""

    seconds: float  # of processors
    kib: int  # of memory, at most at a time

    def of(self, other: Cost) -> str:
        """As multiples."""
        return "%.1f x the time, %.1f x the memory" % (self.seconds / other.seconds,
                                                       self.kib / other.kib)


class Run(NamedTuple):
    """The outcome of asking one core."""

    status: int  # negative: the signal it died of
    cost: Cost
    slow: bool  # it was ended
    out: str
    err: str


def verbs(export: Path, addresses: list[int]) -> list[str]:
    """Every verb the command line has that needs no second core; objects' verbs on `addresses`."""
    sys.path.insert(0, str(ROOT / "gdbext"))
    from refscope.verbs import ALL

    lines = []
    for verb in ALL:
        takes = verb.positional
        if verb.name == "export":
            lines.append("export -o %s" % export)
        elif takes and takes.expr and takes.required:
            lines += ["%s %#x" % (verb.name, addr) for addr in addresses]
        elif not takes or not takes.required:
            lines.append(verb.name)
    lines += ["layout --check-traverse", *("retained %#x" % addr for addr in addresses)]
    return lines


def _limit(seconds: float) -> None:
    whole = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Far above what is allowed: it only saves the machine.
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))


def ask(core: Path, folder: Path, addresses: list[int], as_text: bool, seconds: float) -> Run:
    """refscope run, within `seconds` of processor time."""
    lines = folder / "verbs"
    lines.write_text("".join(line + "\n" for line in verbs(folder / "export.jsonl", addresses)))
    form = "text" if as_text else "json"
    with open(folder / "out", "w+") as out, open(folder / "err", "w+") as err:
        child = subprocess.Popen(
            [REFSCOPE, "--format", form, str(core), "run", "-f", str(lines)],
            stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=lambda: _limit(seconds))
        status, used, ended = _wait(child)
        out.seek(0)
        err.seek(0)
        cost = Cost(used.ru_utime + used.ru_stime, used.ru_maxrss)
        return Run(os.waitstatus_to_exitcode(status), cost, ended or cost.seconds > seconds,
                   out.read(), err.read())


def _wait(child: subprocess.Popen[bytes]) -> tuple[int, resource.struct_rusage, bool]:
    until = time.monotonic() + WALL
    ended = False
    while True:
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = status
            return status, used, ended
        if time.monotonic() > until:
            child.kill()
            ended = True
        time.sleep(0.005)


def complaint(run: Run, clean: Cost, as_text: bool) -> str:
    """What must not be, or nothing."""
    if run.slow:
        return "took too long: " + run.cost.of(clean)
    if run.status not in STATUSES:
        return "died: status %d: %s" % (run.status, run.err.strip()[-300:])
    if "Traceback" in run.err or "Error:" in run.err:
        return "failed: " + run.err.strip()[-300:]
    if run.cost.kib > MEMORIES * clean.kib:
        return "took too much: " + run.cost.of(clean)
    try:
        for line in [] if as_text else run.out.splitlines():
            json.loads(line)
    except ValueError:
        return "no JSON: " + line[:200]
    return ""


class Campaign:
    """Mutants of one core."""

    def __init__(self, path: Path, folder: Path, keep: Path | None) -> None:
        self.path, self.folder, self.keep = path, folder, keep
        self.core = mutate.Core(path)
        clean = [ask(path, folder, self.core.objects[:3], as_text, WALL)
                 for as_text in (False, True, False)]
        for run in clean:
            if run.status not in (ANSWERED, IN_PART):
                raise SystemExit("%s itself cannot be asked: status %d: %s" % (
                    path, run.status, run.err.strip()[-300:]))
        self.clean = Cost(max(r.cost.seconds for r in clean), max(r.cost.kib for r in clean))
        self.statuses = dict.fromkeys(STATUSES, 0)
        self.bad: list[int] = []
        self.most: Cost = Cost(0, 0)

    def one(self, seed: int) -> None:
        """One mutant."""
        mutant = mutate.mutate(self.core, seed)
        path = self.folder / "core"
        path.write_bytes(mutant.bytes)
        as_text = seed % 4 == 0
        run = ask(path, self.folder, mutant.hit, as_text, TIMES * self.clean.seconds)
        wrong = complaint(run, self.clean, as_text)
        self.most = Cost(max(self.most.seconds, run.cost.seconds),
                         max(self.most.kib, run.cost.kib))
        if wrong:
            self.bad.append(seed)
            print("seed %d (%s): %s" % (seed, mutant.story, wrong), flush=True)
            if self.keep:
                path.rename(self.keep / ("core.%d" % seed))
        else:
            self.statuses[run.status] += 1

    def summary(self) -> str:
        """Its figures."""
        s = self.statuses
        return ("%s: %d mutants: %d answered, %d in part, %d refused, %d no longer CPython; %d failed\n"
                "  clean core: %.2f s, %d MiB; at most %s" % (
                    self.path.parent.name, sum(s.values()) + len(self.bad), s[0] + s[1], s[4], s[2],
                    s[3], len(self.bad), self.clean.seconds, self.clean.kib >> 10,
                    self.most.of(self.clean)))


def core_of(name: str) -> Path:
    """A path, or the core of a planted program."""
    if Path(name).exists() or "/" in name:
        return Path(name)
    sys.path.insert(0, str(ROOT / "test-targets"))
    from harness.target import Target

    target = Target(name)
    target.make()
    return target.core


def main() -> int:
    parser = argparse.ArgumentParser(usage=str(__doc__).split("\n\n")[1][7:])
    parser.add_argument("cores", nargs="+", type=core_of)
    parser.add_argument("-n", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    seeds = range(args.seed, args.seed + args.n) if args.only is None else [args.only]
    failed = 0
    for core in args.cores:
        with tempfile.TemporaryDirectory(prefix="refscope-mutants-") as folder:
            campaign = Campaign(core, Path(folder), args.keep)
            for seed in seeds:
                campaign.one(seed)
        print(campaign.summary())
        failed += len(campaign.bad)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
