# SPDX-License-Identifier: MIT
"""Compiles the extensions of test-targets/ext for one interpreter, and programs that embed it."""
import fcntl
import functools
import hashlib
import json
import os
import subprocess
import sys
import typing
from pathlib import Path

from . import emulated

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("REFSCOPE_BUILD", str(ROOT.parent / "build")))


def _distribution_python() -> str:
    """What people meet in cores."""
    places = ("/usr/bin/python3.11", "/usr/bin/python3")
    return next((p for p in places if os.path.exists(p)), sys.executable)


DISTRIBUTION_PYTHON = _distribution_python()
DEFAULT_PYTHON = os.environ.get("REFSCOPE_TARGET_PYTHON") or DISTRIBUTION_PYTHON

CFLAGS = (
    "-std=c11 -D_GNU_SOURCE -O1 -g -fPIC -Wall -Wextra -Wpedantic -Wshadow "
    "-Wconversion -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 -Wundef -Werror"
).split()

ASK = """
import json, platform, sys, sysconfig
print(json.dumps({
    "version": platform.python_version(), "machine": platform.machine(), "hex": sys.hexversion, "flags": sys.abiflags,
    "linked": [sysconfig.get_config_var(name) or "" for name in (
        "LIBDIR", "LDVERSION", "LIBPL", "LIBRARY", "LIBS", "SYSLIBS", "MODLIBS")],
    "suffix": sysconfig.get_config_var("EXT_SUFFIX"),
    "include": sysconfig.get_path("include"),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "executable": sys.executable,
}))
"""


class BuildError(Exception):
    """An extension does not compile, or the interpreter cannot be asked."""


class Interpreter(typing.NamedTuple):
    """A CPython that targets run under."""

    path: str
    version: str
    hexversion: int
    tag: str
    suffix: str
    include: str
    free_threaded: bool
    machine: str  # "x86_64"
    linked: typing.Tuple[str, ...]  # LIBDIR, LDVERSION, LIBPL, LIBRARY, and three lists of libraries


@functools.lru_cache(maxsize=None)
def interpreter(path: str = DEFAULT_PYTHON) -> Interpreter:
    """What the interpreter at `path` says of itself."""
    done = subprocess.run([path, "-I", "-c", ASK], capture_output=True, text=True)
    if done.returncode:
        raise BuildError("%s cannot be run: %s" % (path, done.stderr.strip()))
    said = json.loads(done.stdout)
    real = os.path.realpath(said["executable"])
    digest = hashlib.sha256(real.encode()).hexdigest()[:6]
    tag = "%s%s-%s" % (said["version"], said["flags"], digest)
    return Interpreter(real, said["version"], said["hex"], tag, said["suffix"],
                       said["include"], said["free_threaded"], said["machine"], tuple(said["linked"]))


def digest_of(*paths: Path) -> str:
    """A short hash of the content of files, in the order given."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def sources_of(name: str) -> typing.List[Path]:
    """The files of extension `name`: ext/NAME.c, or everything in ext/NAME/."""
    folder = ROOT / "ext" / name
    if folder.is_dir():
        return sorted(p for p in folder.iterdir() if p.suffix in (".c", ".h"))
    return [folder.with_suffix(".c")]


class Lock:
    """Holds a file lock while in the `with` block: test processes share the build folder."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(path, "w")

    def __enter__(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _compile(built: Path, wanted: str, command: typing.List[str]) -> None:
    """Run a compiler, unless what it makes is there from the same sources."""
    stamp = built.parent / "stamp"
    with Lock(built.parent / "lock"):
        if stamp.exists() and stamp.read_text() == wanted and built.exists():
            return
        done = subprocess.run([*command, "-o", str(built)], capture_output=True, text=True)
        if done.returncode:
            raise BuildError("%s\n%s" % (" ".join(command), done.stderr))
        stamp.write_text(wanted)


def _compiler(python: Interpreter) -> typing.List[str]:
    # Debian's pyconfig.h includes that of the processor from beside its own folder.
    headers = [python.include, os.path.dirname(python.include)]
    return [emulated.compiler(python.machine), *CFLAGS, *["-isystem" + h for h in headers]]


def _c_files(sources: typing.List[Path]) -> typing.List[str]:
    return [str(s) for s in sources if s.suffix == ".c"]


def extension(name: str, python: Interpreter) -> Path:
    """The folder that holds extension `name` compiled for `python`, compiling if needed."""
    sources = sources_of(name)
    folder = BUILD / "targets" / python.tag / name
    command = [*_compiler(python), "-shared", *_c_files(sources)]
    _compile(folder / (name + python.suffix), digest_of(*sources, Path(__file__)), command)
    return folder


def embedding(python: Interpreter, archive: bool) -> Path:
    """A program with CPython in it: of libpython's archive, stripped, or with the shared libpython."""
    libdir, version, folder, library, *libs = python.linked
    sources = [ROOT / "embed/embed.c", *sources_of("_truth")]
    whole = [os.path.join(folder, library), "-no-pie", "-s"]
    shared = ["-L" + libdir, "-lpython" + version]
    needed = " ".join(libs).split() if archive else []
    command = [*_compiler(python), *_c_files(sources), *(whole if archive else shared), *needed]
    built = BUILD / "targets" / python.tag / ("archive" if archive else "shared") / "embed"
    _compile(built, digest_of(*sources, Path(__file__)), command)
    return built
