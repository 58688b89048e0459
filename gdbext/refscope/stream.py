# SPDX-License-Identifier: MIT
"""JSON that is written piece by piece: an answer may be larger than memory should be."""

import json
import re
from typing import Any, Iterable, Iterator

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class Stream:
    """A JSON value as the pieces of its text. They are made while they are taken, once."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self.pieces = pieces


def value_pieces(value: Any) -> Iterator[str]:
    """The text of a value, ASCII only."""
    if isinstance(value, Stream):
        for piece in value.pieces:
            yield piece if piece.isascii() else _NOT_ASCII.sub(_escaped, piece)
    else:
        yield json.dumps(value)


def answer_pieces(value: Any) -> Iterator[str]:
    """The text of a verb's answer: an object says which schema it follows."""
    return value_pieces({"schema": 1, **value} if isinstance(value, dict) else value)


def _escaped(found: Any) -> str:
    return json.dumps(found.group())[1:-1]
