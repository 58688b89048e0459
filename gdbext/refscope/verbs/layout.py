# SPDX-License-Identifier: MIT
"""layout: by which layout the target is read, and how that is known to be true."""

import argparse
import difflib
from dataclasses import dataclass
from typing import Any, Dict, List, NamedTuple, Optional

from .. import text, verb
from ..book import Book, hexa
from ..session import InspectError, Status

OK, FAILED, REPAIRED, UNKNOWN = 0, 1, 2, 3
_RESULTS: Dict[int, text.Cell] = {
    OK: "ok",
    FAILED: text.Span("FAILED", "failed"),
    REPAIRED: text.Span("repaired", "repaired"),
    UNKNOWN: text.Span("not provable", "dim"),
}


@dataclass(frozen=True)
class Answer:
    """Which CPython this is, the proofs of its layout, and fields if they were asked for."""

    python: Any  # the library's row
    interpreters: List[Any]
    threads: int
    proofs: List[Any]
    structure: Optional[str]
    fields: List[Any]
    decoders: Optional[List["Decoder"]]  # None where they were not compared
    limit: Optional[int]


class Decoder(NamedTuple):
    """A type whose decoder was compared with its own tp_traverse."""

    type: str
    checked: int
    different: int
    unfollowed: int
    addr: int  # the first object that differs
    missing: int
    extra: int


def _interpreters(session: Any) -> List[Any]:
    """None where a proof says that they are not read right: the proof is what is asked for."""
    try:
        return sorted(session.interpreter_list(), key=lambda row: row.id)
    except InspectError as error:
        if error.status != Status.ERR_REFUSED:
            raise
        return []


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """List the proofs, and the fields of one structure."""
    interpreters = _interpreters(session)
    return Answer(
        python=session.python_info(),
        interpreters=interpreters,
        threads=sum(row.threads for row in interpreters),
        proofs=list(session.layout_proofs()),
        structure=args.fields,
        fields=_fields(session, args.fields),
        decoders=_decoders(session) if args.check_traverse else None,
        limit=args.limit,
    )


def _fields(session: Any, wanted: Optional[str]) -> List[Any]:
    if wanted is None:
        return []
    rows = session.layout_fields()
    found = [row for row in rows if row.structure == wanted]
    if found or wanted == "all":
        return found or list(rows)
    names = sorted({row.structure for row in rows})
    lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(wanted.lower(), list(lower), 3, 0.5)
    words = f"No structure '{text.shorten(wanted, 40)}' is read."
    if close:
        words += f" Close: {', '.join(lower[name] for name in close)}."
    raise verb.VerbError(words)


def _decoders(session: Any) -> List[Decoder]:
    book = Book(session)
    found = [
        Decoder(
            book.name_of_type(row.type),
            row.checked,
            row.different,
            row.unfollowed,
            row.object,
            row.missing,
            row.extra,
        )
        for row in session.check_decoders(0)
    ]
    return sorted(found, key=lambda row: (-row.different, -row.unfollowed, -row.checked, row.type))


def fails(answer: Answer) -> bool:
    """A decoder does not say what its type's own code says."""
    return any(row.different for row in answer.decoders or ())


def is_partial(answer: Answer) -> bool:
    """A proof has failed: some verbs refuse."""
    return any(row.result == FAILED for row in answer.proofs)


def as_json(answer: Answer) -> Dict[str, Any]:
    """The proofs with their results in words."""
    python = answer.python
    words = {OK: "ok", FAILED: "failed", REPAIRED: "repaired", UNKNOWN: "unknown"}
    found: Dict[str, Any] = {
        "python": python.version,
        "machine": python.machine,
        "debug": bool(python.debug),
        "free_threaded": bool(python.free_threaded),
        "allocator": python.allocator,
        "runtime": hexa(python.runtime),
        "found_by": python.found_by,
        "module": python.module,
        "build_id": python.build_id,
        "proofs": [
            {
                "structure": row.structure,
                "source": row.source,
                "proof": row.text,
                "result": words.get(row.result, "unknown"),
                "needed_by": [word.strip() for word in row.needed_by.split(",") if word.strip()],
            }
            for row in answer.proofs
        ],
    }
    if answer.structure is not None:
        found["fields"] = [
            {
                "structure": row.structure,
                "field": row.field,
                "offset": None if row.offset < 0 else row.offset,
                "source": row.source,
            }
            for row in answer.fields
        ]
    if answer.decoders is not None:
        found["traverse"] = [
            {
                "type": row.type,
                "checked": row.checked,
                "different": row.different,
                "unfollowed": row.unfollowed,
                "first": hexa(row.addr) if row.different else None,
                "missing": row.missing,
                "extra": row.extra,
            }
            for row in answer.decoders
        ]
    return found


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """What was found, then one proof a line."""
    if answer.structure is not None:
        return _field_lines(answer, style)
    if answer.decoders is not None:
        return _decoder_lines(answer, answer.decoders, style, spelling)
    lines = [_sentence(answer), ""]
    lines.extend(_found(answer))
    lines.append("")
    rows: List[List[text.Cell]] = [
        [
            text.shorten(row.structure, 32),
            text.shorten(row.source, 24),
            _RESULTS.get(row.result, "?"),
            text.shorten(row.text, 120),
        ]
        for row in answer.proofs
    ]
    lines.extend(text.table(rows, "llll", style, head=("structure", "source", "result", "proof")))
    notes = text.Notes(spelling, style)
    for row in answer.proofs:
        if row.result == FAILED:
            refuse = text.clean(row.needed_by) or "what needs it"
            notes.add("refused", f"{row.structure}: {refuse}.")
    if answer.proofs:
        notes.next(
            "layout", "--fields", answer.proofs[0].structure, why="the offsets it is read by"
        )
    return lines + ([""] + notes.lines() if notes.lines() else [])


def _sentence(answer: Answer) -> str:
    python = answer.python
    build = "debug build" if python.debug else "release build"
    if python.free_threaded:
        build = f"free-threaded {build}"
    head = f"CPython {python.version}, {python.machine}, {build}, {python.allocator}"
    failed = [row for row in answer.proofs if row.result == FAILED]
    unknown = [row for row in answer.proofs if row.result == UNKNOWN]
    proved = len(answer.proofs) - len(failed) - len(unknown)
    count = f"{proved} of {text.plural(len(answer.proofs), 'layout')} are proved"
    if not unknown:
        count = "every layout is proved"
    if not failed:
        return text.first_fit([f"{head}: {count}; all verbs are available.", f"{head}: {count}."])
    count = f"{proved} of {text.plural(len(answer.proofs), 'layout')} are proved"
    verbs = [word.strip() for row in failed for word in row.needed_by.split(",") if word.strip()]
    if "everything" in verbs or "all but layout" in verbs:
        verbs = ["all verbs but layout"]
    refused = ", ".join(dict.fromkeys(verbs)) or "what needs the others"
    room = text.WIDTH - text.width(f"{head}: {count};  refuse.")
    return f"{head}: {count}; {text.shorten(refused, max(room, 12))} refuse."


def _found(answer: Answer) -> List[str]:
    python = answer.python
    lines = [f"  runtime  {hexa(python.runtime)}  _PyRuntime, {text.clean(python.found_by)}"]
    if python.build_id:
        lines.append(f"           build-id {python.build_id}")
    if answer.interpreters:
        first = answer.interpreters[0]
        threads = text.plural(answer.threads, "thread")
        more = len(answer.interpreters) - 1
        rest = f" and {text.number(more)} more" if more else ""
        lines.append(f"  main interpreter {hexa(first.addr)}{rest}, {threads}")
    return lines


def _decoder_lines(
    answer: Answer, decoders: List[Decoder], style: text.Style, spelling: text.Spelling
) -> List[str]:
    lines = [_decoder_sentence(decoders), ""]
    shown, rest = text.cut(decoders, answer.limit)
    rows: List[List[text.Cell]] = [
        [
            row.type,
            text.number(row.checked),
            text.Span(text.number(row.different), "failed") if row.different else "0",
            text.number(row.unfollowed) if row.unfollowed else "",
            text.address(row.addr) if row.different else "",
            f"{row.missing} missing, {row.extra} too many" if row.different else "",
        ]
        for row in shown
    ]
    head = ("type", "compared", "different", "not followed", "first", "its references")
    lines.extend(text.table(rows, "lrrrll", style, head=head))
    if rest:
        lines.append(f"  {text.left_out(rest, 'types')}")
    notes = text.Notes(spelling, style)
    for row in decoders[:1]:
        if row.different:
            notes.next("referents", hexa(row.addr), "--limit", "0", why="what the decoder says")
    return lines + ([""] + notes.lines() if notes.lines() else [])


def _decoder_sentence(decoders: List[Decoder]) -> str:
    objects = text.plural(sum(row.checked for row in decoders), "object")
    types = text.plural(len(decoders), "type")
    wrong = [row.type for row in decoders if row.different]
    lost = sum(row.unfollowed for row in decoders)
    if not wrong:
        head = f"Every decoder says what tp_traverse visits: {objects} of {types} were compared"
        return f"{head}, {text.number(lost)} not followed." if lost else f"{head}."
    differ = text.verb_form(len(wrong), "differs", "differ")
    head = f"{text.plural(len(wrong), 'decoder')} of {len(decoders)} {differ} from tp_traverse"
    return text.first_fit(
        [f"{head}: {text.listing([text.shorten(name, 20) for name in wrong[:4]])}.", f"{head}."]
    )


def _field_lines(answer: Answer, style: text.Style) -> List[str]:
    there = sum(row.offset >= 0 for row in answer.fields)
    absent = len(answer.fields) - there
    name = answer.structure if answer.structure != "all" else "every structure"
    tail = f", {text.number(absent)} of which this build does not have" if absent else ""
    lines = [
        f"{name} is read by {text.plural(len(answer.fields), 'field')}{tail} "
        f"(CPython {answer.python.version}).",
        "",
    ]
    shown, rest = text.cut(answer.fields, answer.limit)
    several = answer.structure == "all"
    rows: List[List[text.Cell]] = [
        [
            f"+{row.offset}" if row.offset >= 0 else "-",
            row.structure if several else "",
            row.field,
            row.source,
        ]
        for row in shown
    ]
    head = ("offset", "structure" if several else "", "field", "source")
    lines.extend(text.table(rows, "rlll", style, head=head))
    return lines + ([f"  {text.left_out(rest, 'fields')}"] if rest else [])


VERB = verb.Verb(
    name="layout",
    summary="Show by which layout CPython is read, and the proofs that it is true.",
    stage=lambda args: verb.STAGE_REFERENCES if args.check_traverse else verb.STAGE_RUNTIME,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.Option(
            "--fields", 'list the fields of STRUCT and their offsets; "all" for all.', "STRUCT"
        ),
        verb.Option(
            "--check-traverse",
            "compare what each decoder says of each object with what the type's own tp_traverse, "
            "interpreted, visits; status 1 if they differ.",
        ),
        verb.limit("rows"),
    ),
    body="""
A layout comes from debug information, from what CPython 3.13 and later says of
itself, or from a table of the version. Each is compared with the target before
it is used; verbs that need one that fails refuse by name, the others go on.
""",
    examples=("layout", "layout --fields PyInterpreterState"),
    see=("gc", "threads", "heap"),
    partial=is_partial,
    fails=fails,
)
