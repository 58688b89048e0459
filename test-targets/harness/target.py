# SPDX-License-Identifier: MIT
"""Runs a planted program, takes a core of it, and keeps core, facts and truth by content.

    target = Target("cycles")
    target.core      # path of a gcore dump, taken while the program stood still
    target.facts     # what the program planted (dict)
    target.truth     # what its interpreter said of the same heap afterwards
    with target.live() as process:
        process.pid  # stands still until the block ends; then process.truth() can be had
"""
import contextlib
import functools
import hashlib
import json
import os
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import typing
from pathlib import Path

from . import build, emulated
from .truth import Truth

PROGRAMS = build.ROOT / "programs"
TIMEOUT = 120.0
PAGE = 4096
USER_SPACE = 1 << 47


class TargetError(Exception):
    """A target did not do what it is for."""


class Process:
    """A target that runs, or stands still at its stop()."""

    def __init__(self, command: typing.List[str], folder: Path,
                 env: typing.Dict[str, str]) -> None:
        ready, ready_in = os.pipe()
        go_out, self._go = os.pipe()
        self.folder = folder
        env = dict(env, REFSCOPE_READY_FD=str(ready_in), REFSCOPE_GO_FD=str(go_out),
                   REFSCOPE_TRUTH_DIR=str(folder))
        with open(folder / "output.txt", "ab") as output:
            self._child = subprocess.Popen(
                command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, pass_fds=(ready_in, go_out), preexec_fn=_allow_cores)
        os.close(ready_in)
        os.close(go_out)
        self._ready = os.fdopen(ready, "rb", buffering=0)
        self.pid = self._child.pid

    def wait_ready(self, timeout: float = TIMEOUT) -> None:
        """Return once the target stands at its next stop."""
        readable, _, _ = select.select([self._ready], [], [], timeout)
        if not readable or self._ready.read(64)[:5] != b"ready":
            self.kill()
            raise TargetError("the target did not come to its stop: %s" % self.output())

    def go_on(self) -> None:
        """Let a target that stands still continue."""
        os.write(self._go, b"g")

    def wait_end(self, timeout: float = TIMEOUT) -> int:
        """The exit status; negative is a signal."""
        return self._child.wait(timeout)

    def truth(self) -> Truth:
        """Continue to the end, and read what the interpreter wrote."""
        self.go_on()
        status = self.wait_end()
        path = self.folder / "truth.txt"
        if status != 0 or not path.exists():
            raise TargetError("the target ended with %d: %s" % (status, self.output()))
        return Truth.load(path)

    def dump(self, core: Path) -> None:
        """Take a core of it; it stands still afterwards as before."""
        gcore(self.pid, core)

    def memory(self) -> typing.Dict[str, str]:
        """A digest of each mapping that the process could write, and its registers' file.

        Two of these are equal if nothing ran in the process and nothing was written to it.
        """
        self._registers()
        found = {}
        with open("/proc/%d/maps" % self.pid) as maps:
            lines = maps.read().splitlines()
        with open("/proc/%d/mem" % self.pid, "rb", buffering=0) as memory:
            for line in lines:
                span, rights = line.split()[:2]
                if rights.startswith("rw"):
                    found[line] = _digest(memory, *(int(x, 16) for x in span.split("-")))
        found["registers"] = self._registers()
        return found

    def _registers(self) -> str:
        """Of the call the process waits in; it has said that it is ready a moment before it waits."""
        for _ in range(500):
            with open("/proc/%d/syscall" % self.pid) as registers:
                said = registers.read()
            if not said.startswith("running"):
                break
            time.sleep(0.01)
        return said

    def facts(self) -> typing.Dict[str, typing.Any]:
        """What the target planted."""
        return json.loads((self.folder / "facts.json").read_text())

    def output(self) -> str:
        """The end of what the target printed."""
        return (self.folder / "output.txt").read_text(errors="replace")[-2000:]

    def kill(self) -> None:
        """End the process if it is still there, and forget it."""
        if self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        if self._go >= 0:
            os.close(self._go)
            self._go = -1
        self._ready.close()


def _digest(memory: typing.BinaryIO, start: int, end: int) -> str:
    total = hashlib.sha256()
    for at in range(start, end, 1 << 24):
        os.lseek(memory.fileno(), at, os.SEEK_SET)
        try:
            total.update(memory.read(min(1 << 24, end - at)))
        except OSError as error:  # a file that ends before its mapping
            total.update(str(error.errno).encode())
    return total.hexdigest()


def _allow_cores() -> None:
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def gcore(pid: int, core: Path) -> None:
    """Dump a process with gdb's gcore, no root, no core_pattern needed; or what runs in it, if it is qemu."""
    if emulated.is_emulator(pid):
        emulated.gcore(pid, core)
        return
    prefix = str(core) + ".part"
    done = subprocess.run(["gcore", "-o", prefix, str(pid)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    made = Path("%s.%d" % (prefix, pid))
    if not made.exists():
        raise TargetError("gcore failed: %s" % done.stderr.strip())
    given_up = re.findall(r"read failed for corefile section, \d+ bytes at (0x[0-9a-f]+)", done.stderr)
    _complete(made, pid, {int(addr, 16) for addr in given_up})
    # gdb writes what was never touched as zeros: a gigabyte of them for mimalloc's reserve.
    subprocess.run(["fallocate", "--dig-holes", str(made)], stderr=subprocess.DEVNULL)
    os.replace(made, core)


def _complete(core: Path, pid: int, given_up: typing.Set[int]) -> None:
    """Bring the mappings that gcore gave up, which leaves zeros.

    It does so at the first page that cannot be read: since glibc 2.42 the guard page of every thread's
    stack lies in one mapping with the stack.
    """
    size = 56  # of an Elf64_Phdr
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory, open(core, "r+b") as out:
        header = out.read(64)
        first, count = struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<H", header, 56)[0]
        for i in range(count if given_up else 0):
            kind, _flags, offset, start, _at, length = struct.unpack(
                "<IIQQQQ", os.pread(out.fileno(), size, first + i * size)[:40])
            if kind != 1 or start >= USER_SPACE or not any(start <= addr < start + length for addr in given_up):
                continue
            for at in range(0, length, PAGE):
                try:
                    page = os.pread(memory.fileno(), PAGE, start + at)
                except OSError:
                    continue
                if any(page):
                    os.pwrite(out.fileno(), page, offset + at)


def _header(source: Path) -> typing.Dict[str, str]:
    """The lines `# ext: a b`, `# ends: SIGNAL`, … at a program's head."""
    found = re.findall(r"^# (ext|ends|cores|env|needs): (.+)$", source.read_text(), re.M)
    return dict(found)


class Target:
    """A program of test-targets/programs under one interpreter, with its core and truth."""

    def __init__(self, name: str, python: str = build.DEFAULT_PYTHON,
                 args: typing.Sequence[str] = ()) -> None:
        self.name = name
        self.args = list(args)
        self.python = build.interpreter(python)
        self.source = PROGRAMS / (name + ".py")
        header = _header(self.source)
        self.extensions = ["_truth"] + header.get("ext", "").split()
        self.ends = header.get("ends", "exit")
        self.needs = header.get("needs", "").split()
        self.extra_cores = header.get("cores", "").split()
        self.env = dict(word.split("=", 1) for word in header.get("env", "").split())
        home = build.BUILD / "cores"
        if self.python.path != os.path.realpath(build.DISTRIBUTION_PYTHON):
            home = home / self.python.tag
        self.folder = home / "-".join([name, *args])

    def missing(self) -> typing.List[str]:
        """What it needs that its interpreter does not have: packages, or "GIL" for the lock itself."""
        find = "import importlib.util as u, sys; sys.exit(not u.find_spec(sys.argv[1]))"
        packages = [name for name in self.needs if name != "GIL"]
        without = ["GIL"] if "GIL" in self.needs and self.python.free_threaded else []
        return without + [name for name in packages if subprocess.call(
            [self.python.path, "-c", find, name], stdin=subprocess.DEVNULL)]

    # ---- kept files -----------------------------------------------------------------------

    @property
    def core(self) -> Path:
        """The core file, made now if it is not there."""
        self.make()
        return self.folder / "core"

    @functools.cached_property
    def facts(self) -> typing.Dict[str, typing.Any]:
        """What the program says it planted in the process the core is of."""
        self.make()
        return json.loads((self.folder / "facts.json").read_text())

    @functools.cached_property
    def truth(self) -> Truth:
        """What the interpreter of the same process said after the core was taken."""
        self.make()
        return Truth.load(self.folder / "truth.txt")

    def make(self) -> Path:
        """Run the target and keep core, facts and truth, unless they are there already."""
        stamp = self.folder / "stamp"
        with build.Lock(self.folder / "lock"):
            if not (stamp.exists() and stamp.read_text() == self._wanted()):
                self._remake()
                stamp.write_text(self._wanted())
        return self.folder

    def _wanted(self) -> str:
        sources = [s for e in self.extensions for s in build.sources_of(e)]
        here = [Path(__file__), build.ROOT / "planted.py", self.source]
        stat = os.stat(self.python.path)
        return "%s %s %d %d" % (build.digest_of(*here, *sources), self.python.path,
                                stat.st_size, stat.st_mtime_ns)

    def _remake(self) -> None:
        for old in self.folder.iterdir():
            if old.name != "lock":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        process = self._start(self.folder)
        try:
            if self.ends == "exit":
                self._dump_and_ask(process)
            else:
                self._wait_for_crash(process)
        finally:
            process.kill()

    def _dump_and_ask(self, process: Process) -> None:
        for name in self.extra_cores:
            process.wait_ready()
            gcore(process.pid, self.folder / name)
            process.go_on()
        process.wait_ready()
        gcore(process.pid, self.folder / "core")
        process.truth()

    def _wait_for_crash(self, process: Process) -> None:
        """The kernel writes the core of a target that dies; core_pattern must be a file name."""
        status = process.wait_end()
        if -status not in [getattr(signal, name) for name in self.ends.split()]:
            raise TargetError("%s ended with %d, not by %s: %s" % (
                self.name, status, self.ends, process.output()))
        found = [p for p in self.folder.iterdir() if re.fullmatch(r"core(\.\d+)?", p.name)]
        if not found:
            raise TargetError("the kernel left no core in the target's folder "
                              "(/proc/sys/kernel/core_pattern must be a plain name)")
        if found[0].name != "core":
            found[0].rename(self.folder / "core")

    # ---- running --------------------------------------------------------------------------

    def _start(self, folder: Path) -> Process:
        paths = [str(build.extension(e, self.python)) for e in self.extensions]
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "REFSCOPE"))}
        env.update(PYTHONPATH=":".join([*paths, str(build.ROOT)]), PYTHONHASHSEED="0",
                   PYTHONDONTWRITEBYTECODE="1", **self.env)
        # Else the kernel writes the processor's number into each thread's memory as it likes.
        env["GLIBC_TUNABLES"] = "glibc.pthread.rseq=0"
        return Process(self._command(), folder, env)

    def _command(self) -> typing.List[str]:
        text = self.source.read_text()
        if "# run: -c" in text:
            return [self.python.path, "-c", text, *self.args]
        return [self.python.path, str(self.source), *self.args]

    @contextlib.contextmanager
    def live(self) -> typing.Iterator[Process]:
        """A fresh process of this target that stands at its stop while the block runs."""
        with tempfile.TemporaryDirectory(prefix="refscope-target-") as scratch:
            process = self._start(Path(scratch))
            try:
                process.wait_ready()
                yield process
            finally:
                process.kill()


class Embedded(Target):
    """The same program run by one that has CPython in it, as an archive or as a library."""

    def __init__(self, name: str, python: str = build.DEFAULT_PYTHON, archive: bool = True) -> None:
        super().__init__(name, python)
        self.archive = archive
        self.extensions.remove("_truth")
        self.folder = self.folder.with_name("%s-in-%s" % (name, "archive" if archive else "shared"))

    def missing(self) -> typing.List[str]:
        folder, library, *libs = self.python.linked[2:]
        # Some lists of libraries name archives of the folder that CPython was built in.
        needed = [os.path.join(folder, library), *(w for w in " ".join(libs).split() if w.endswith(".a"))]
        lost = [path for path in needed if self.archive and not os.path.exists(path)]
        return super().missing() + lost

    def _command(self) -> typing.List[str]:
        return [str(build.embedding(self.python, self.archive)), str(self.source)]

    def _wanted(self) -> str:
        return super()._wanted() + build.digest_of(build.embedding(self.python, self.archive))


def available(name: str) -> bool:
    """Whether there is a program of that name."""
    return (PROGRAMS / (name + ".py")).exists()


def all_names() -> typing.List[str]:
    """Every program, by name."""
    return sorted(p.stem for p in PROGRAMS.glob("*.py"))
