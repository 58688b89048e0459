# SPDX-License-Identifier: MIT
"""Compressed cores, as systemd-coredump leaves them: whole, cut, damaged, and with something else inside."""
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import refscope  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

PACKERS = ("zstd", "lz4", "xz", "gzip", "bzip2")
VERBS = ("gc", "garbage", "audit")


class Packed(unittest.TestCase):
    def setUp(self):
        require_refscope()
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.core = Path(self.scratch.name) / "core.packed"

    def pack(self, packer, source):
        with open(source, "rb") as plain, open(self.core, "wb") as packed:
            subprocess.run([packer, "-c"], stdin=plain, stdout=packed, check=True)
        return self.core

    def test_the_answers_are_those_of_the_core(self):
        plain = Target("cycles").core
        wanted = refscope.ask(plain, VERBS)
        for packer in PACKERS:
            with self.subTest(packer=packer):
                said = refscope.ask(self.pack(packer, plain), VERBS)
                self.assertEqual([said[verb] for verb in VERBS], [wanted[verb] for verb in VERBS])
        self.assertEqual(os.listdir(self.scratch.name), ["core.packed"])

    def test_of_a_cut_one_what_is_there(self):
        for packer in ("zstd", "xz", "gzip"):
            with self.subTest(packer=packer):
                core = self.pack(packer, Target("cycles").core)
                os.truncate(core, core.stat().st_size // 2)
                ran = refscope.call(core, "layout")
                self.assertIn("it could not be unpacked whole: ", ran.err)
                self.assertIn("cut short: ", ran.err)
                self.assertNotIn("Traceback", ran.err)

    def test_of_a_damaged_one_what_comes_before(self):
        for packer in PACKERS:
            with self.subTest(packer=packer):
                core = self.pack(packer, Target("cycles").core)
                with open(core, "r+b") as file:
                    file.seek(core.stat().st_size // 2)
                    file.write(bytes(range(64)))
                ran = refscope.call(core, "gc")
                self.assertRegex(ran.err, "could not be unpacked whole|cannot unpack")
                self.assertIn(ran.status, (refscope.FAILED, refscope.NO_PYTHON, refscope.IN_PART))
                self.assertNotIn("Traceback", ran.err)

    def test_what_is_inside_is_named(self):
        ran = refscope.call(self.pack("zstd", __file__), "gc")
        self.assertEqual((ran.status, ran.out), (refscope.FAILED, ""))
        self.assertIn("is a text file, not a core dump", ran.err)

    def test_no_room(self):
        core = self.pack("gzip", Target("cycles").core)
        ran = refscope.call(core, "gc", env={**os.environ, "TMPDIR": "/nonexistent"})
        self.assertEqual((ran.status, ran.out), (refscope.FAILED, ""))
        self.assertIn("TMPDIR names another folder", ran.err)

    def test_it_can_be_interrupted(self):
        # Zeros nearly without end, a frame of them again and again: minutes of work, and nothing to write.
        zeros = "head -c %d /dev/zero | zstd -c -1" % (1 << 30)
        frame = subprocess.run(["sh", "-c", zeros], stdout=subprocess.PIPE, check=True).stdout
        self.core.write_bytes(frame * 300)
        command = [str(refscope.PROGRAM), str(self.core), "gc"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as child:
            time.sleep(1)
            self.assertIsNone(child.poll(), "it has ended already")
            asked = time.monotonic()
            child.send_signal(signal.SIGINT)
            said = child.communicate(timeout=60)[1]
        self.assertLess(time.monotonic() - asked, 1)
        self.assertNotIn("Traceback", said)
        self.assertNotEqual(child.returncode, 0)


if __name__ == "__main__":
    unittest.main()
