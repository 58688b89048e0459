# SPDX-License-Identifier: MIT
"""How many instructions each stage takes of the small heap of libinspect/bench/counted.c, by callgrind."""
import json
import os
import re
import shutil
import subprocess
import typing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COUNTED = Path(os.environ.get("BUILD", "build")).resolve() / "bin" / "counted"
KEPT = Path(__file__).resolve().parent.parent / "bench" / "instructions.json"


def kept() -> typing.Dict[str, typing.Dict[str, int]]:
    """What the tree has: by compiler and stage."""
    return json.loads(KEPT.read_text()) if KEPT.exists() else {}


def _say(word: str) -> str:
    return subprocess.run([str(COUNTED), word], check=True, stdout=subprocess.PIPE, text=True).stdout


def compiler() -> str:
    """What compiled the library; "" where it did not optimise."""
    return _say("--compiler").strip()


def has_callgrind() -> bool:
    """Whether instructions can be counted here."""
    return shutil.which("valgrind") is not None


def count() -> typing.Dict[str, int]:
    """Instructions of each stage."""
    stages = _say("--stages").split()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(stages, pool.map(_count_one, stages)))


def _count_one(stage: str) -> int:
    ran = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=counted_stage",
         "--callgrind-out-file=/dev/null", str(COUNTED), stage],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    found = re.search(r"Collected : (\d+)", ran.stderr)
    if not found or not int(found.group(1)):
        raise AssertionError("callgrind has counted nothing of %s: %s" % (stage, ran.stderr[-500:]))
    return int(found.group(1))
