# SPDX-License-Identifier: MIT
"""Packages of other Debian suites, unpacked into a folder: nothing is installed, no list of the system touched.

A suite has lists, archives and a (bare) status file of its own below one folder; the mirror is the
one the machine's own apt uses.
"""
import re
import subprocess
import typing
from pathlib import Path

SOURCES = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
# What maintainer scripts, documents and windows need; nothing is run here but python.
UNNEEDED = re.compile(r"libx|libtk|libtcl|libfont|libfreetype|libpng|libbrotli|libdebconf|libperl|libc-")
LEFT_OUT = ("./usr/share/doc", "./usr/share/man", "./usr/share/lintian", "*.a", "*/__pycache__")


class AptError(Exception):
    """A suite, a package or a mirror cannot be had; the text says why."""


def _run(command: typing.Sequence[str], **more: typing.Any) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)
    except OSError as error:
        raise AptError(str(error)) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise AptError((said or done.stderr.strip().splitlines() or ["failed"])[0][:200])
    return done.stdout


class Mirror(typing.NamedTuple):
    """Where Debian's packages come from on this machine."""

    uri: str
    keyring: str


def _files() -> typing.Iterator[Path]:
    for place in SOURCES:
        yield from sorted(place.iterdir()) if place.is_dir() else [place]


def mirror() -> Mirror:
    """The first mirror of Debian itself among the machine's sources of packages."""
    for path in _files():
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        # A paragraph of the newer form, or a line of the older one.
        for entry in re.split(r"\n\s*\n" if path.suffix == ".sources" else r"\n", path.read_text()):
            found = re.search(r"^(?:URIs:|deb\b(?:\s+\[.*?\])?)\s*(\S+?/debian)/?(?:\s|$)", entry, re.M | re.I)
            if found:
                key = re.search(r"signed-by[:=]\s*(/[^\s\]]+)", entry, re.I)
                return Mirror(found[1], key[1] if key else "")
    raise AptError("no mirror of Debian among this machine's sources of packages")


class Suite:
    """One release of Debian, by its name, for this machine's architecture or another one."""

    def __init__(self, name: str, folder: Path, architecture: str = "") -> None:
        self.name, self.folder, self.architecture = name, folder, architecture

    def _apt(self, tool: str, *args: str, **more: typing.Any) -> str:
        here = self.folder
        options = {"Dir::State::lists": here / "lists", "Dir::State::status": here / "status",
                   "Dir::Cache": here / "cache", "Dir::Etc::sourcelist": here / "sources.list",
                   "Dir::Etc::sourceparts": "-", "Acquire::Check-Valid-Until": "false",
                   "Acquire::Languages": "none", "APT::Sandbox::User": "root"}
        if self.architecture:
            options["APT::Architecture"] = options["APT::Architectures"] = self.architecture
        words = [w for key, value in options.items() for w in ("-o", "%s=%s" % (key, value))]
        return _run([tool, "-q", *words, *args], **more)

    def update(self) -> None:
        """Fetch the suite's lists."""
        source = mirror()
        for part in ("lists/partial", "cache/archives/partial"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        key = " [signed-by=%s]" % source.keyring if source.keyring else ""
        (self.folder / "sources.list").write_text("".join(
            "%s%s %s %s main\n" % (kind, key, source.uri, self.name) for kind in ("deb", "deb-src")))
        (self.folder / "status").write_text("")
        self._apt("apt-get", "update", "-o", "APT::Update::Error-Mode=any")

    def needed(self, packages: typing.Sequence[str]) -> typing.List[str]:
        """The packages, and the libraries they need."""
        said = self._apt("apt-get", "install", "-s", "--no-install-recommends", *packages)
        names = re.findall(r"^Inst (\S+)", said, re.M)
        return [n for n in names if re.match(r"(lib)?python3|lib|zlib1g$", n)
                and not UNNEEDED.match(n) and (not n.endswith("-dev") or "python" in n)]

    def download(self, packages: typing.Sequence[str], folder: Path) -> typing.List[Path]:
        """Their archives, in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._apt("apt-get", "download", *packages, cwd=folder)
        return sorted(folder.glob("*.deb"))

    def source(self, package: str, folder: Path) -> Path:
        """The tar file with the upstream source of a package, in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._apt("apt-get", "source", "--download-only", package, cwd=folder)
        found = sorted(folder.glob(package + "_*.orig.tar.*"))
        tars = [p for p in found if not p.name.endswith(".asc")]
        if not tars:
            raise AptError("the source of %s has no upstream tar file" % package)
        return tars[0]


def unpack(archive: Path, tree: Path) -> None:
    """Unpack a package below `tree`, with bin, lib and the like merged into usr."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / name).mkdir(parents=True, exist_ok=True)
        if not (tree / name).is_symlink():
            (tree / name).symlink_to("usr/" + name)
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as tar:
        excludes = ["--exclude=" + pattern for pattern in LEFT_OUT]
        _run_tar = subprocess.run(["tar", "-x", "--keep-directory-symlink", "--no-same-owner",
                                   *excludes, "-C", str(tree)], stdin=tar.stdout, capture_output=True)
    if _run_tar.returncode or tar.returncode:
        raise AptError("%s does not unpack: %s" % (archive.name, _run_tar.stderr.decode().strip()[:200]))
