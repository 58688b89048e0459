# SPDX-License-Identifier: MIT
# later: says that it is CPython 3.16, wherever an interpreter says its version.
import ctypes
import mmap

import planted

LATER = 0x031000F0
libc = ctypes.CDLL(None)


def write(addr, data):
    page = addr & -mmap.PAGESIZE
    if libc.mprotect(ctypes.c_void_p(page), 2 * mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE):
        raise OSError("mprotect")
    ctypes.memmove(addr, data, len(data))


def main():
    number = LATER.to_bytes(8, "little")
    write(ctypes.addressof(ctypes.c_ulong.in_dll(ctypes.pythonapi, "Py_Version")), number)
    runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
    if ctypes.string_at(runtime, 8) == b"xdebugpy":
        ctypes.memmove(runtime + 8, number, 8)
    version = ctypes.pythonapi.Py_GetVersion
    version.restype = ctypes.c_void_p
    ctypes.memmove(version(), b"3.16", 4)
    ring = []
    ring.append(ring)
    facts = {"cycles": [{"members": planted.addresses([ring])}]}
    del ring
    planted.stop(facts)


main()
