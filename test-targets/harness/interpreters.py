# SPDX-License-Identifier: MIT
"""The interpreters of this machine to test with, and how to have those it lacks.

Builds of other Debian suites are unpacked into a cache beside the sources and run there, by the
loader and libc of their own suite where the system's libc is too old for them. Builds that pyenv or
the system has are taken as they are. CPython without the GIL, which no suite has, is compiled.
"""
import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import typing
from pathlib import Path

from . import apt, build, emulated

CACHE = Path(os.environ.get("REFSCOPE_INTERPRETERS") or Path(
    os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "refscope", "interpreters"))
# A version and the suite to have it from: where it is kept for long, or the newest.
SUITES = (("3.9", "bullseye"), ("3.11", "bookworm"), ("3.13", "trixie"), ("3.14", "forky"), ("3.15", "sid"))
FREE_THREADED = ("3.13", "trixie")
# Those of another machine.
EMULATED = (("3.11", "bookworm", "arm64"), ("3.13", "trixie", "arm64"), ("3.15", "sid", "arm64"))
OLDEST = (3, 8)

# What a whole build can import: a loader or a library that does not fit shows here.
TRIAL = "import ctypes, ssl, sqlite3, lzma, bz2, zlib, decimal, readline"
# The name it is called by decides where it looks for its modules: beside this script.
BY_SYSTEM = """#!/bin/bash
export LD_LIBRARY_PATH={libraries}
exec -a "$0" {binary} "$@"
"""
BY_OWN_LOADER = """#!/bin/bash
exec {loader} --library-path {libraries} --argv0 "$0" {binary} "$@"
"""


class Found(typing.NamedTuple):
    """One interpreter."""

    name: str  # "3.13d-trixie": unique, and fit for a file name
    version: str
    kind: str  # "release", "debug" or "free-threaded"
    path: str  # what runs it
    binary: str  # the file that holds CPython: the program, or libpython
    debug: str  # the file with its DWARF, or ""
    origin: str
    machine: str = platform.machine()


class Missing(typing.NamedTuple):
    """One that cannot be had here, and why."""

    name: str
    reason: str


Row = typing.Union[Found, Missing]

ASK = """
import json, platform, sys, sysconfig
v = sysconfig.get_config_var
print(json.dumps([".".join(map(str, sys.version_info[:3])), sys.version_info[:2], sys.version_info[3],
    bool(v("Py_DEBUG")), bool(v("Py_GIL_DISABLED")), v("LDLIBRARY") or "", v("LIBDIR") or "",
    platform.machine()]))
"""


def _ask(path: Path) -> typing.List[typing.Any]:
    """What an interpreter says of itself; [] for one that cannot be run."""
    try:
        done = subprocess.run([str(path), "-I", "-c", ASK], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
    except OSError:
        return []
    return json.loads(done.stdout) if done.returncode == 0 else []


def _debug_file(binary: Path, root: Path) -> str:
    """The file with the DWARF of `binary`: itself, or that of its build-id below `root`."""
    notes = subprocess.run(["readelf", "-SWn", str(binary)], capture_output=True, text=True).stdout
    if ".debug_info" in notes:
        return str(binary)
    found = re.search(r"Build ID: ([0-9a-f]+)", notes)
    path = root / "usr/lib/debug/.build-id" / found[1][:2] / (found[1][2:] + ".debug") if found else root
    return str(path) if path.is_file() else ""


def _describe(path: Path, origin: str, binary: typing.Optional[Path] = None,
              root: Path = Path("/")) -> typing.Optional[Found]:
    """The row of an interpreter that is there; None if it does not run or is too old."""
    said = _ask(path)
    if not said or tuple(said[1]) < OLDEST or said[2] != "final":
        return None
    version, short, _, debug, free_threaded, library, folder, machine = said
    kind = "free-threaded" if free_threaded else "debug" if debug else "release"
    letters = {"free-threaded": "t", "debug": "d", "release": ""}[kind]
    shared = Path(folder, library)
    if binary is None:
        binary = shared if ".so" in library and shared.exists() else Path(os.path.realpath(path))
    name = "%d.%d%s-%s" % (*short, letters, origin.split()[0])
    return Found(name, version, kind, str(path), str(binary), _debug_file(binary, root), origin, machine)


# ---- Debian's suites ------------------------------------------------------------------------


def _runs(path: Path) -> bool:
    done = subprocess.run([str(path), "-I", "-c", TRIAL], capture_output=True, stdin=subprocess.DEVNULL)
    return done.returncode == 0


def _script(binary: Path, text: str, **words: typing.Any) -> Path:
    """A script beside `binary` that runs it."""
    script = binary.with_name("refscope-" + binary.name)
    script.write_text(text.format(binary=binary, **words))
    script.chmod(0o755)
    return script


def _libraries(tree: Path) -> str:
    return ":".join(str(p) for p in sorted(tree.glob("usr/lib/*-linux-gnu*")))


def _wrap(tree: Path, binary: Path) -> Path:
    """A script that runs `binary`, by the system's loader as long as the tree has none of its own."""
    loaders = sorted(tree.glob("usr/lib64/ld-linux*.so.*")) + sorted(tree.glob("usr/lib/ld-linux*.so.*"))
    if loaders:
        return _script(binary, BY_OWN_LOADER, loader=loaders[0], libraries=_libraries(tree))
    return _script(binary, BY_SYSTEM, libraries=_libraries(tree))


def _once(folder: Path, make: typing.Callable[[], None]) -> None:
    """Have `folder` made whole, now if it is not."""
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        make()
        (folder / "complete").write_text("")


def _suite(name: str, folder: str, architecture: str = "") -> apt.Suite:
    """A suite with its lists."""
    suite = apt.Suite(name, CACHE / "apt" / folder, architecture)
    suite.update()
    return suite


def _packages(suite: apt.Suite, version: str) -> typing.List[str]:
    return suite.needed(["python" + version, "python%s-dbg" % version, "libpython%s-dev" % version])


def _add(suite: apt.Suite, packages: typing.Sequence[str], tree: Path) -> None:
    folder = tree.with_name(tree.name + ".debs")
    for archive in suite.download(packages, folder):
        apt.unpack(archive, tree)
    shutil.rmtree(folder)


def _wrap_emulated(tree: Path, binary: Path, machine: str) -> Path:
    return _script(binary, emulated.SCRIPT, emulator=emulated.emulator(machine), tree=tree)


def _of_other_machine(version: str, name: str, architecture: str) -> typing.List[Row]:
    """The release build of a suite for another machine, run by qemu."""
    machine = emulated.MACHINES[architecture][0]
    lacks = [tool for tool in ("qemu-" + machine, emulated.compiler(machine)) if not shutil.which(tool)]
    if lacks:
        raise apt.AptError("%s is not installed" % lacks[0])
    tree = CACHE / ("%s-%s-%s" % (version, name, architecture))
    binary = tree / "usr/bin" / ("python" + version)

    def make() -> None:
        suite = _suite(name, tree.name, architecture)
        _add(suite, _packages(suite, version), tree)

    _once(tree, make)
    found = _describe(_wrap_emulated(tree, binary, machine), "%s-%s (Debian, by qemu)" % (name, architecture),
                      binary.resolve(), tree)
    return [found or Missing("%s-%s-%s" % (version, name, architecture), "does not run here")]


def _unpack_tree(suite: apt.Suite, version: str, tree: Path) -> None:
    """All of a version's packages; its libc only if it does not run by the system's."""
    names = _packages(suite, version)
    with_libc = [n for n in names if n in ("libc6", "libgcc-s1", "libstdc++6", "libcrypt1")]
    for group in ([n for n in names if n not in with_libc], with_libc):
        _add(suite, group, tree)
        if _runs(_wrap(tree, tree / "usr/bin" / ("python" + version))):
            return
    raise apt.AptError("python%s of %s does not run here" % (version, suite.name))


def _of_suite(version: str, name: str) -> typing.List[Row]:
    """The release and debug builds of a suite, unpacked now if they are not there."""
    tree = CACHE / ("%s-%s" % (version, name))
    _once(tree, lambda: _unpack_tree(_suite(name, name), version, tree))
    rows: typing.List[Row] = []
    for suffix in ("", "-dbg"):
        binary = (tree / "usr/bin" / ("python" + version + suffix)).resolve()
        found = _describe(_wrap(tree, binary), "%s (Debian)" % name, binary, tree)
        rows.append(found or Missing("%s%s-%s" % (version, "d" if suffix else "", name), "does not run here"))
    return rows


# ---- without the GIL ------------------------------------------------------------------------


def _compile(version: str, suite: apt.Suite, folder: Path) -> None:
    """CPython --disable-gil from the upstream source of a suite; takes some minutes."""
    work = folder.with_name(folder.name + ".work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    archive = suite.source("python" + version, work)
    source = work / "source"
    source.mkdir()
    steps = (["tar", "-xf", str(archive), "-C", str(source), "--strip-components=1"],
             ["./configure", "--disable-gil", "--disable-test-modules", "--without-ensurepip",
              "--prefix=%s" % folder, "CFLAGS=-g -O1"],
             ["make", "-j%d" % min(2, os.cpu_count() or 1)], ["make", "install", "COMPILEALL_OPTS=-x ."])  # no bytecode: it takes longer than the rest
    # Without what a make that calls us tells its own: CPython's needs the built-in rules.
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    with open(folder.with_name(folder.name + ".log"), "w") as log:
        for step in steps:
            where = work if step[0] == "tar" else source
            if subprocess.run(["nice", *step], cwd=where, stdout=log, stderr=log, env=environment,
                              stdin=subprocess.DEVNULL).returncode:
                raise apt.AptError("%s failed: see %s" % (" ".join(step[:2]), log.name))
    shutil.rmtree(work)


def _free_threaded() -> typing.List[Row]:
    version, name = FREE_THREADED
    folder = CACHE / (version + "t")
    _once(folder, lambda: _compile(version, _suite(name, name), folder))
    found = _describe(folder / "bin" / ("python%st" % version), "compiled (source of %s)" % name)
    return [found or Missing(version + "t-compiled", "does not run here")]


# ---- what the machine has -------------------------------------------------------------------


def _of_machine() -> typing.List[Row]:
    """The system's own, and pyenv's."""
    system = [Path(p) for p in (build.DISTRIBUTION_PYTHON, build.DISTRIBUTION_PYTHON + "-dbg")]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    rows = [_describe(p, "system") for p in system if p.exists()]
    rows += [_describe(p, "pyenv") for p in sorted(pyenv.glob("3.*/bin/python3"))]
    return [row for row in rows if row]


def _attempt(name: str, how: typing.Callable[..., typing.List[Row]], *args: str) -> typing.List[Row]:
    try:
        return how(*args)
    except (apt.AptError, OSError) as error:
        return [Missing(name, str(error))]


def _order(row: Row) -> typing.Tuple[typing.List[int], str]:
    return [int(n) for n in re.findall(r"\d+", row.name)[:2]], row.name


@contextlib.contextmanager
def _own_time() -> typing.Iterator[None]:
    """One at a time: the cache is shared."""
    with build.Lock(CACHE / "lock"):
        yield


def prepare(compiled: bool = True) -> typing.List[Row]:
    """All there are, fetched and compiled where they are not there yet; those that cannot be had by name."""
    with _own_time():
        rows = _of_machine()
        for version, suite in SUITES:
            rows += _attempt("%s-%s" % (version, suite), _of_suite, version, suite)
        for build_of in EMULATED:
            rows += _attempt("-".join(build_of), _of_other_machine, *build_of)
        if compiled:
            rows += _attempt(FREE_THREADED[0] + "t-compiled", _free_threaded)
    rows.sort(key=_order)
    (CACHE / "interpreters.json").write_text(json.dumps(
        [row._asdict() for row in rows], indent=1) + "\n")
    return rows


def known() -> typing.List[Row]:
    """What the last `prepare` found."""
    path = CACHE / "interpreters.json"
    rows = json.loads(path.read_text()) if path.exists() else []
    return [Missing(**row) if "reason" in row else Found(**row) for row in rows]
