# SPDX-License-Identifier: MIT
"""The kernel's own word for it: of all that refscope asks of it, nothing writes to the process or signals it."""
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import refscope  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402

REQUESTS = {"PTRACE_SEIZE", "PTRACE_INTERRUPT", "PTRACE_GETREGSET", "PTRACE_DETACH", "PTRACE_LISTEN",
            "PTRACE_GETSIGINFO"}
"""What a process is held by, and its registers read; every request that changes one has another name."""

VERBS = ("heap", "gc", "threads", "audit", "garbage", "cycles", "layout --check-traverse", "retained")


class OnlyReads(unittest.TestCase):
    def trace(self, pid, scratch):
        """What the kernel was asked for, a line a call."""
        script, log = Path(scratch) / "verbs", Path(scratch) / "calls"
        script.write_text("".join(verb + "\n" for verb in VERBS))
        command = ["strace", "-f", "-o", str(log), "-e", "signal=none", "-e",
                   "trace=ptrace,process_vm_readv,process_vm_writev,kill,tkill,tgkill,rt_sigqueueinfo,"
                   "rt_tgsigqueueinfo,pidfd_send_signal,open,openat,write,pwrite64,writev,pwritev",
                   str(refscope.PROGRAM), str(pid), "run", "-f", str(script)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=300)
        self.assertIn(done.returncode, (refscope.ANSWERED, refscope.IN_PART), done.stderr[-2000:])
        return [re.sub(r"^\d+ +", "", line) for line in log.read_text().splitlines()]

    def test_no_call_writes_to_the_process_or_signals_it(self):
        require_refscope()
        if not shutil.which("strace"):
            self.skipTest("strace is not here")
        with Target("threads").live() as process, tempfile.TemporaryDirectory() as scratch:
            before = process.memory()
            calls = self.trace(process.pid, scratch)
            self.assertEqual(process.memory(), before)
            pid = str(process.pid)
        asked = {found for call in calls for found in re.findall(r"^ptrace\((PTRACE_\w+)", call)}
        self.assertTrue({"PTRACE_SEIZE", "PTRACE_DETACH"} <= asked, asked)
        self.assertLessEqual(asked, REQUESTS)
        self.assertTrue([call for call in calls if call.startswith("process_vm_readv(%s," % pid)])
        self.assertEqual([call for call in calls if "writev(%s," % pid in call], [])
        signals = ("kill(", "tkill(", "tgkill(", "rt_sigqueueinfo(", "rt_tgsigqueueinfo(", "pidfd_send_signal(")
        self.assertEqual([call for call in calls if call.startswith(signals)], [])
        opened = [call for call in calls if "/proc/%s/" % pid in call and call.startswith("open")]
        self.assertTrue(opened)
        self.assertEqual([call for call in opened if "O_RDONLY" not in call], [])


if __name__ == "__main__":
    unittest.main()
