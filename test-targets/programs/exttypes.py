# SPDX-License-Identifier: MIT
# exttypes: extension types that no reader can know; what they own and what they visit.
# ext: _exttypes
import _exttypes
import planted


def main():
    things = [["%d" % i] for i in range(12)]
    pairs = [_exttypes.Pair(things[0], things[1]), _exttypes.Pair(things[0], things[0])]
    table = _exttypes.Table(*things[2:8], things[2])
    opaque = _exttypes.Opaque(things[8])
    hiding = _exttypes.Hiding(things[9], things[10])
    ring = []
    ring.append(_exttypes.Pair(ring, None))
    visits = [{"src": id(pairs[0]), "dst": id(things[0])}, {"src": id(pairs[0]), "dst": id(things[1])},
              {"src": id(hiding), "dst": id(things[9])},
              *({"src": id(table), "dst": id(t)} for t in things[2:8])]
    facts = {
        "visits": visits, "hidden": [{"src": id(opaque), "dst": id(things[8])},
                                     {"src": id(hiding), "dst": id(things[10])}],
        "garbage": {"ring": {"members": [id(ring), id(ring[0])]}},
    }
    del ring
    planted.stop(facts)
    return things, pairs, table, opaque, hiding


main()
