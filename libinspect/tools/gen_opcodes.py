# SPDX-License-Identifier: MIT
"""Write the opcodes of the interpreter that runs this as a table of src/object/opcodes.inc.

What an opcode does to the depth of the stack, where it jumps, and how many cache entries follow it
is the interpreter's own word (dis, opcode, _opcode). What an opcode has given away of its operands
when it calls something stands in IN_FLIGHT, read out of the evaluation loop: Python/ceval.c up to
3.11, Python/bytecodes.c since 3.12. Runs under 3.8 and later.
"""
import dis
import opcode
import sys

VERSION = sys.version_info[:2]

# Nothing comes after them.
STOPS = {"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT",
         "JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT", "JUMP_ABSOLUTE"}
# Have a target, and never go there: it is for who looks at line numbers.
NO_JUMP = {"END_ASYNC_FOR"} if VERSION >= (3, 11) else {"CALL_FINALLY"}  # to a handler, at another depth

# Where the compiler's account of an opcode (PyCompile_OpcodeStackEffect) is not what is done:
# (next, per) of next + per * oparg.
TRUE_EFFECT = {
    # CALL takes what is there; PRECALL leaves it (3.11).
    "PRECALL": (0, 0), "CALL": (-1, -1),
    # Makes the generator, whose frame begins with the value sent to it (3.11: the compiler begins at 1).
    "RETURN_GENERATOR": (1, 0),
    # Takes what the first send() pushed; the compiler begins at 1 (3.10).
    "GEN_START": (0, 0),
}

# What is lowest: NULL or a function that takes self, or the callable (3.13).
CALL = "METHOD" if VERSION < (3, 13) else "CALL"
ARGS = "NULL_ARGS" if VERSION in ((3, 11), (3, 12)) else "ARGS"

# (rule, gone, doubtful): masks of operands, bit 0 for the top one. Operands that are not told of are the
# stack's as long as the opcode runs, wherever the evaluation loop's own pointer may be: it decrefs them last.
IN_FLIGHT = {
    # Only what is released can call anything.
    "POP_TOP": ("PLAIN", 1, 0), "STORE_DEREF": ("PLAIN", 1, 0), "STORE_FAST": ("PLAIN", 1, 0),
    "POP_EXCEPT": ("PLAIN", 1 if VERSION >= (3, 11) else 7, 0),
    "STORE_FAST__LOAD_FAST": ("PLAIN", 1, 0), "STORE_FAST_LOAD_FAST": ("PLAIN", 1, 0),
    "STORE_FAST__STORE_FAST": ("PLAIN", 1, 2), "STORE_FAST_STORE_FAST": ("PLAIN", 1, 2),
    "END_ASYNC_FOR": ("PLAIN", 0, 3),
    # The new value has its place before the old one goes.
    "STORE_ATTR_INSTANCE_VALUE": ("PLAIN", 2, 0), "STORE_ATTR_SLOT": ("PLAIN", 2, 0),
    "STORE_ATTR_WITH_HINT": ("PLAIN", 2, 0), "STORE_SUBSCR_LIST_INT": ("PLAIN", 4, 0),
    "STORE_SUBSCR_DICT": ("PLAIN", 0, 4),
    # Become a slice, which only C knows (3.12).
    "BINARY_SLICE": ("PLAIN", 3, 0), "STORE_SLICE": ("PLAIN", 3, 0),
    "END_SEND": ("PLAIN", 2, 0),
    "END_FOR": ("PLAIN", 1, 2) if VERSION == (3, 12) else ("PLAIN", 1, 0),
    # Each item goes into the set and is let go before the next is hashed.
    "BUILD_SET": ("ALL", 0, 0),
    # Fill the stack above them.
    "UNPACK_SEQUENCE": ("SPREAD", 0, 0), "UNPACK_EX": ("SPREAD", 0, 0),
    # Look whether the GIL is asked for, or a signal came, when all is done.
    "CALL": (CALL, 0, 0), "CALL_KW": (CALL, 0, 0), "CALL_FUNCTION_EX": (ARGS, 0, 0),
    "CALL_FUNCTION": ("CALL", 0, 0), "CALL_FUNCTION_KW": ("CALL", 0, 0),
    "CALL_METHOD": ("METHOD", 0, 0),
    "PRECALL_NO_KW_LIST_APPEND": ("PLAIN", 1, 0),
    "CALL_NO_KW_LIST_APPEND": ("PLAIN", 1, 0), "CALL_LIST_APPEND": ("PLAIN", 1, 0),
}
if VERSION >= (3, 12):
    # Lets the manager go before it calls __enter__; __exit__ has no place on the stack yet.
    IN_FLIGHT["BEFORE_WITH"] = IN_FLIGHT["BEFORE_ASYNC_WITH"] = ("PLAIN", 1, 0)
for name in opcode.opmap:
    if name.startswith("POP_JUMP_") and name.endswith("NONE"):
        IN_FLIGHT[name] = ("PLAIN", 1, 0)
    elif name.startswith("POP_JUMP_"):
        IN_FLIGHT[name] = ("TRUTH", 0, 0)


# Leave nothing where their operands were.
NO_RESULT = ("STORE_", "DELETE_", "POP_", "LIST_APPEND", "LIST_EXTEND", "SET_ADD", "SET_UPDATE",
             "MAP_ADD", "DICT_", "RAISE_", "RERAISE", "RETURN_VALUE", "PRINT_EXPR", "IMPORT_STAR",
             "END_", "YIELD_VALUE", "WITH_CLEANUP_", "RESUME", "JUMP_", "NOP", "KW_NAMES", "SWAP",
             "MAKE_CELL", "COPY_FREE_VARS", "SETUP_", "GEN_START", "ROT_", "EXTENDED_ARG", "PRECALL")


def specialized():
    """{opcode that the interpreter puts in the place of another: its number, and the other's name}."""
    families = getattr(opcode, "_specializations", {})
    base = {special: name for name, family in families.items() for special in family}
    numbers = getattr(opcode, "_specialized_opmap", None)
    if numbers is None:
        # Tools/scripts/generate_opcode_h.py (3.11, 3.12): the lowest numbers that are free; 255 is not.
        free = iter(n for n in range(1, 255) if n not in set(opcode.opmap.values()))
        numbers = {name: next(free) for name in getattr(opcode, "_specialized_instructions", ())}
    return {name: (number, base.get(name)) for name, number in numbers.items()}


def caches(name):
    """Cache entries behind an opcode."""
    entries = getattr(opcode, "_inline_cache_entries", None)
    if entries is None:
        return 0
    return entries[opcode.opmap[name]] if isinstance(entries, list) else entries.get(name, 0)


def has_argument(number):
    if VERSION >= (3, 12):
        return number in dis.hasarg
    return number >= dis.HAVE_ARGUMENT


def effect(number, jump):
    """(next, per, bit, mask): next + per * oparg + bit * ones in (oparg & mask); None where it is neither."""
    if not has_argument(number):
        return dis.stack_effect(number, jump=jump), 0, 0, 0
    arguments = [*range(64), 255, 256, 300, 511, 512, 1000, 65535]
    if number == opcode.opmap["BUILD_SLICE"]:
        # Of two or of three, and no other.
        two, three = (dis.stack_effect(number, a, jump=jump) for a in (2, 3))
        return two, 0, three - two, 1
    told = {a: dis.stack_effect(number, a, jump=jump) for a in arguments}
    at0 = told[0]
    changing = [b for b in range(6) if told[1 << b] != at0]
    mask = sum(1 << b for b in changing)
    bit = told[1 << changing[0]] - at0 if changing else 0
    for found in ((at0, told[1] - at0, 0, 0), (at0, 0, bit, mask), (at0, 1, 0, 255)):
        if all(value(found, a) == told[a] for a in arguments):
            return found
    return None


def value(found, argument):
    """What the four numbers make of an argument."""
    base, per, bit, mask = found
    if per and mask:
        # UNPACK_EX: as many before the star, as many behind it.
        return base + per * ((argument & mask) + (argument >> 8))
    return base + per * argument + bit * bin(argument & mask).count("1")


def flow(name, number):
    """How control goes on."""
    if name in STOPS and not name.startswith("JUMP_"):
        return "STOPS"
    if VERSION == (3, 8) and name.startswith("SETUP_") and number in opcode.hasjrel:
        return "NEXT_OR_HANDLER"
    if name == "BEGIN_FINALLY":
        return "ENTERS"
    if number not in opcode.hasjrel and number not in opcode.hasjabs or name in NO_JUMP:
        return "NEXT"
    where = "ABSOLUTE" if number in opcode.hasjabs else "BACKWARD" if "BACKWARD" in name else "FORWARD"
    return where if name in STOPS else "NEXT_OR_" + where


def row(number, name, base, of):
    """A row; `of` is the opcode that the compiler would write."""
    code = opcode.opmap[of]
    next_effect, jump_effect = effect(code, False), effect(code, True)
    if name.startswith("PRECALL_"):
        # Does the work of the CALL behind it.
        next_effect = jump_effect = (*TRUE_EFFECT["CALL"], 0, 0)
    elif of in TRUE_EFFECT and VERSION >= (3, 10):
        next_effect = jump_effect = (*TRUE_EFFECT[of], 0, 0)
    if next_effect is None or jump_effect is None or next_effect[1:] != jump_effect[1:]:
        sys.exit("%s: cannot be told in a row" % name)
    rule = CALL if name.startswith("PRECALL_") else "PLAIN"
    rule, gone, doubtful = IN_FLIGHT.get(name, IN_FLIGHT.get(of, (rule, 0, 0)))
    how = "EXTENDED" if of == "EXTENDED_ARG" else flow(of, code)
    results = 0 if of.startswith(NO_RESULT) and name[:8] != "PRECALL_" else 1
    print("    [%d] = {%d, %d, %s, %d, %d, %d, %d, %d, %d, %s, %d, %d}, // %s" % (
        number, base, caches(of), how, next_effect[0], jump_effect[0], *next_effect[1:],
        results, rule, gone, doubtful, name))


def rows():
    """(number, name, number of the base, name of the base) of all opcodes that can be met."""
    names = {number: name for name, number in opcode.opmap.items() if 0 < number < 256}
    instrumented = {n: name[13:] for n, name in names.items() if name.startswith("INSTRUMENTED_")}
    for number, name in names.items():
        of = instrumented.get(number, name)
        if of in opcode.opmap and name != "CACHE":
            yield number, name, opcode.opmap[of], of
    for name, (number, of) in specialized().items():
        if of in opcode.opmap:
            yield number, name, opcode.opmap[of], of


print('{0x%02x%02x0000, 0x%02x%02xffff, %d, {' % (*VERSION, *VERSION, 1 if VERSION < (3, 10) else 2))
for number, name, base, of in sorted(rows()):
    row(number, name, base, of)
print("}},")
