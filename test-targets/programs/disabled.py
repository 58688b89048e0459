# SPDX-License-Identifier: MIT
# disabled: gc.disable() and 2,000 unreachable rings that wait for nobody.
import planted


def ring():
    ring = []
    ring.append({"ring": ring})
    return ring


def main():
    members = []
    for _ in range(2000):
        made = ring()
        members += planted.addresses([made, made[0]])
    del made
    planted.stop({"enabled": False, "garbage": {"rings": {"members": members}}})


main()
