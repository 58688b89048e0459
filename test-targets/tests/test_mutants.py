# SPDX-License-Identifier: MIT
"""Damaged cores: refscope may refuse them, but not die of them, hang or eat the machine."""
import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

FUZZ = build.ROOT.parent / "libinspect" / "fuzz"
SEEDS = 40

# A program that does as refscope does, until the core is a damaged one. It takes its time: to fill 100 MiB may take
# more than ten times as long as to start and do nothing, and is to be told for the memory.
PRETENDER = """#!%s
import os, signal, sys, time
core = sys.argv[3]
time.sleep(0.1)
if open(core, "rb").read() != open(os.environ["CLEAN"], "rb").read():
    %s
print("{}")
"""


def mutants(core: Path, n: int, **env: str) -> subprocess.CompletedProcess:
    """The driver, on n mutants of `core`."""
    return subprocess.run(
        [sys.executable, str(FUZZ / "mutants.py"), "-n", str(n), "--seed", "1", str(core)],
        capture_output=True, text=True, timeout=300, env=dict(os.environ, **env))


class MutantsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        require_refscope()
        target = Target("bare")
        target.make()
        cls.core = target.core

    def test_damaged_cores_do_no_harm(self) -> None:
        ran = mutants(self.core, SEEDS)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        found = re.search(r"(\d+) mutants: (\d+) answered, (\d+) in part", ran.stdout)
        self.assertTrue(found, ran.stdout)
        self.assertEqual(int(found[1]), SEEDS)
        # Damage that ends every question at once would try nothing.
        self.assertGreater(int(found[2]) + int(found[3]), SEEDS // 2, ran.stdout)

    def pretend(self, does: str) -> str:
        """What the driver says of a program that does this to damaged cores."""
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "pretender"
            program.write_text(PRETENDER % (sys.executable, does))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            ran = mutants(self.core, 1, REFSCOPE=str(program), CLEAN=str(self.core))
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        return ran.stdout

    def test_a_crash_is_told(self) -> None:
        self.assertIn("died: status -11", self.pretend("os.kill(os.getpid(), signal.SIGSEGV)"))

    def test_a_hang_is_told(self) -> None:
        self.assertIn("took too long", self.pretend("while True: pass"))

    def test_hunger_is_told(self) -> None:
        self.assertIn("took too much", self.pretend("hoard = b'x' * (100 << 20)"))

    def test_a_traceback_is_told(self) -> None:
        self.assertIn("failed: ", self.pretend("raise ValueError('x')"))

    def test_what_is_no_json_is_told(self) -> None:
        self.assertIn("no JSON", self.pretend("print('{')"))

    def test_a_seed_always_does_the_same(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = []
            for name, seed in (("a", 7), ("b", 7), ("c", 8)):
                path = Path(folder) / name
                subprocess.run([sys.executable, str(FUZZ / "mutate.py"), str(self.core), str(seed),
                                str(path)], check=True, stdout=subprocess.DEVNULL)
                made.append(path.read_bytes())
        self.assertEqual(made[0], made[1])
        self.assertNotEqual(made[0], made[2])
        self.assertNotEqual(made[0], self.core.read_bytes())


if __name__ == "__main__":
    unittest.main()
