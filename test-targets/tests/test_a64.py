# SPDX-License-Identifier: MIT
"""Code of aarch64, interpreted and run: the same registers and memory, instruction by instruction.

Each row of the table of instructions is tried with fields drawn at random, by qemu and by the machine; so are the
functions that test_machine.c calls, compiled with -O0 to -O3.
"""
import random
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import build, emulated  # noqa: E402

HERE = Path(__file__).resolve().parent.parent / "a64"
SUPPORT = HERE.parents[1] / "libinspect" / "tests" / "support"
RUN = build.BUILD / "bin" / "a64-run"
FOLDER = build.BUILD / "a64"
OF_EACH = 12
SEED = 64
REGISTER_FIELDS = (0, 5, 10, 16)
STATE, LINK, FRAME = 19, 30, 29  # what the functions that try an instruction need themselves

# Where they go, or what they read of the system, is not compared here: whole functions are.
ELSEWHERE = {"b.cond", "b", "bl", "cbz", "cbnz", "tbz", "tbnz", "br", "blr", "ret", "svc", "mrs", "hint", "adr", "adrp",
             "msr", "dmb", "hlt", "udf"}
# They say whether nobody else was there since ldxr, which nobody has executed before.
ELSEWHERE |= {"stxr", "stxp"}
LITERAL = 0x18000000, 0x3B000000


def rows():
    """(mask, bits, name) of each row."""
    lines = subprocess.run([str(RUN), "--rows"], stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    return [(int(mask, 16), int(bits, 16), name) for mask, bits, name in (line.split() for line in lines)]


def words():
    """(word, name): instructions to try, none of which needs a register that the stub needs."""
    draw = random.Random(SEED)
    for mask, bits, name in rows():
        if name in ELSEWHERE or bits & LITERAL[1] == LITERAL[0]:
            continue
        tried = 0
        while tried < OF_EACH:
            word = bits | draw.getrandbits(32) & ~mask
            fields = {at: word >> at & 31 for at in REGISTER_FIELDS if ~mask >> at & 31}
            if {STATE, LINK, FRAME} & set(fields.values()):
                continue
            # stgp stores memory tags.
            if name == "stp" and word >> 30 == 1:
                continue
            # Loads of two registers into one, or into the base that moves, are whatever the processor makes of them.
            pair = [fields[0], fields[5], fields[10]] if name in ("ldp", "ldxp") else [fields.get(0), fields.get(5)]
            if name.startswith("ld") and len(set(pair)) < len(pair):
                continue
            yield word, name
            tried += 1


def write_stubs(tried):
    lines = ['#include "stub.inc"', "    make_room", "    .text"]
    for i, (word, name) in enumerate(tried):
        lines += ["stub_%d: // %s" % (i, name), "    try %#x" % word]
    lines += ["    .section .rodata", "    .balign 8", "    .global stubs, n_stubs", "stubs:"]
    lines += ["    .quad stub_%d" % i for i in range(len(tried))]
    lines += ["n_stubs: .quad %d" % len(tried), "    .section .note.GNU-stack"]
    path = FOLDER / "stubs.S"
    path.write_text("\n".join(lines) + "\n")
    return path


def compiled(tried):
    FOLDER.mkdir(parents=True, exist_ok=True)
    program = FOLDER / "probe"
    compiler = emulated.compiler("aarch64")
    objects = []
    for level in range(4):
        objects.append(FOLDER / ("samples%d.o" % level))
        subprocess.run([compiler, "-O%d" % level, "-ffp-contract=off", "-c", "-o", str(objects[-1]),
                        str(SUPPORT / ("machine_samples_o%d.c" % level))], check=True)
    subprocess.run([compiler, "-static", "-no-pie", "-O1", "-I", str(SUPPORT), "-I", str(HERE), "-o", str(program),
                    str(HERE / "probe.c"), str(write_stubs(tried)), *map(str, objects)], check=True)
    return program


def cases(text):
    """What became of each call."""
    found, lines = {}, []
    for line in text.splitlines():
        if line.startswith("try_"):
            head = re.match(r"(\S+ \d+ \d+) ([^:]*)", line)
            lines = found[head.group(1)] = [head.group(2)]
        else:
            lines.append(line)
    return {call: [lines[0], *sorted(lines[1:])] for call, lines in found.items()}


@unittest.skipUnless(shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc"),
                     "needs qemu-user and a compiler for aarch64")
class Interpreted(unittest.TestCase):
    def test_it_does_what_a_processor_does(self):
        tried = list(words())
        program = compiled(tried)
        ran = subprocess.run(["qemu-aarch64", str(program)], stdout=subprocess.PIPE, check=True, text=True).stdout
        calls = "".join(line + "\n" for line in ran.splitlines() if line.startswith("try_"))
        read = subprocess.run([str(RUN), str(program)], input=calls, stdout=subprocess.PIPE, check=True, text=True).stdout
        want, got = cases(ran), cases(read)
        self.assertEqual(list(want), list(got))
        # The machine does not insist on alignment.
        differ = [call for call in want if want[call] != got[call] and want[call] != ["misaligned"]]
        for call in differ[:40]:
            word = tried[int(call.split()[1])] if call.startswith("try_stub") else (0, "")
            print("%s: %08x %s: %s" % (call, *word, "; ".join(sorted(set(want[call]) ^ set(got[call]))[:6])))
        self.assertEqual(len(differ), 0)
        self.assertGreater(sum(w[0] == "ok" for w in want.values()), len(want) * 2 // 3)


if __name__ == "__main__":
    unittest.main()
