# SPDX-License-Identifier: MIT
"""Files that verbs write: whole or not at all, compressed where their name says so, with holes where they can be."""

import gzip
import io
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import IO, Iterator

from .verb import VerbError

_ZEROS = bytes(1 << 20)


@contextmanager
def output(path: str) -> Iterator[IO[bytes]]:
    """A file that appears under its name only when it is whole.

    What is no file, a device or a pipe, is written to and stays what it is.
    """
    real = os.path.realpath(path)
    in_place = os.path.exists(real) and not os.path.isfile(real)
    unfinished = real if in_place else real + ".part"
    try:
        with _compressor(unfinished, path) as out:
            yield out
        if not in_place:
            os.replace(unfinished, real)
    except OSError as error:
        raise VerbError(f"{path}: {error.strerror or error}.") from None
    finally:
        if not in_place and os.path.exists(unfinished):
            os.unlink(unfinished)


@contextmanager
def _compressor(unfinished: str, path: str) -> Iterator[IO[bytes]]:
    if path.endswith(".zst"):
        with _zstd(unfinished) as out:
            yield out
    elif path.endswith(".gz"):
        # No time and no name in the header: the same heap gives the same bytes.
        with open(unfinished, "wb") as raw:
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as out:
                yield out  # type: ignore[misc]
    else:
        with open(unfinished, "wb") as plain:
            yield plain


@contextmanager
def _zstd(unfinished: str) -> Iterator[IO[bytes]]:
    program = shutil.which("zstd")
    if program is None:
        raise VerbError("The program zstd, which writes .zst files, is not on this machine.")
    with open(unfinished, "wb") as out:
        process = subprocess.Popen(
            [program, "-q", "-T0", "-c"], stdin=subprocess.PIPE, stdout=out, start_new_session=True
        )
    try:
        assert process.stdin is not None
        yield process.stdin
        process.stdin.close()
        if process.wait() != 0:
            raise VerbError(f"zstd failed with status {process.returncode}.")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class Sparse:
    """Bytes into a file, and zeros as holes where it can have some."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._holes = type(out) is io.BufferedWriter and out.seekable()
        self._pending = 0  # zeros that were skipped and not followed by anything yet
        self.written = 0
        self.data = 0

    def write(self, data: bytes) -> None:
        """What is not known to be zeros."""
        self._skip_pending()
        self._out.write(data)
        self.written += len(data)
        self.data += len(data)

    def zeros(self, count: int) -> None:
        """So many of them."""
        self._pending += count
        self.written += count

    def finish(self) -> None:
        """The file reaches as far as what was written."""
        if self._holes and self._pending:
            self._pending -= 1
            self._skip_pending()
            self._out.write(b"\0")
        self._skip_pending()

    def _skip_pending(self) -> None:
        count, self._pending = self._pending, 0
        if self._holes:
            self._out.seek(count, io.SEEK_CUR)
            return
        while count:
            piece = min(count, len(_ZEROS))
            self._out.write(_ZEROS[:piece])
            count -= piece
