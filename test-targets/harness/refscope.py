# SPDX-License-Identifier: MIT
"""Runs build/bin/refscope as a user would, on a core or a process."""
import json
import os
import subprocess
import tempfile
import typing
from pathlib import Path

from . import build

PROGRAM = Path(os.environ.get("REFSCOPE", str(build.BUILD / "bin" / "refscope")))
TIMEOUT = 120
ANSWERED, CHECK_FAILED, FAILED, NO_PYTHON, IN_PART = 0, 1, 2, 3, 4

Json = typing.Any


class Ran(typing.NamedTuple):
    """The outcome of one call."""

    status: int
    out: str
    err: str


def call(*words: typing.Any, env: typing.Optional[typing.Dict[str, str]] = None) -> Ran:
    """refscope WORDS."""
    command = [str(PROGRAM), *map(str, words)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=TIMEOUT, env=env)
    except subprocess.TimeoutExpired:
        raise AssertionError("no answer after %d s: %s" % (TIMEOUT, " ".join(command))) from None
    return Ran(done.returncode, done.stdout, done.stderr)


class Answers:
    """What `run --format json` answered, by verb line."""

    def __init__(self, ran: Ran, asked: typing.List[str]) -> None:
        self.ran = ran
        lines = [json.loads(line) for line in ran.out.splitlines()]
        self.lines: typing.Dict[str, Json] = dict(zip(asked, lines))

    def __getitem__(self, asked: str) -> Json:
        line = self.lines.get(asked)
        if line is None:
            raise AssertionError("no answer to %r: status %d: %s" % (
                asked, self.ran.status, self.ran.err.strip()[-500:]))
        if "answer" not in line:
            raise AssertionError("%r failed: %s" % (asked, line))
        return line["answer"]


def ask(target: typing.Any, verbs: typing.Iterable[str]) -> Answers:
    """Answer many verbs in one session on a core path or a process id."""
    asked = list(verbs)
    with tempfile.NamedTemporaryFile("w", suffix=".verbs") as file:
        file.write("".join(verb + "\n" for verb in asked))
        file.flush()
        return Answers(call("--format", "json", target, "run", "-f", file.name), asked)


def addresses(texts: typing.Iterable[str]) -> typing.Set[int]:
    """Addresses as JSON has them."""
    return {int(text, 16) for text in texts}
