"""Records in JSON: one a line, or one array of them; never more than one record in memory."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from ...base.documents import unique_keys
from ...errors import CorpusError
from ..storage.files import InputFile
from .fields import choose_field, dig, form_of, forms_of
from .text import checked_text

MAX_RECORD_BYTES = 1 << 26
_HEAD_BYTES = 256
# how many records are looked at to see what a field holds
_LOOK_AT = 20
_WHITE = b" \t\r\n"
_MARKS = re.compile(rb'["\[\]{},]')
_IN_STRING = re.compile(rb'["\\]')


def choose(file: InputFile, wanted: str | None) -> tuple[str | None, str, str] | None:
    """Choose the field to read from the first records, as `formats.RecordReader` says; None for lists of ids."""
    forms: dict[str, tuple[str, str]] = {}
    first = ""
    for _, where, record in itertools.islice(json_records(file), _LOOK_AT):
        first = first or where
        if isinstance(record, list):
            if forms:
                break  # told when it is read
            if wanted is None and (form_of(record)[0] == "ids" or record == []):
                return None, "ids", "the records are lists of ids"
            raise CorpusError(f"{where} is a JSON list, not an object: one record a line is needed")
        for name, found in forms_of(record).items():
            if forms.get(name, ("null",))[0] == "null":
                forms[name] = found
    return choose_field(forms, wanted, first) if first else None


def values(file: InputFile, field: str | None) -> Iterator[tuple[int, str, Any]]:
    """Yield the values of a field, or the records where those are lists of ids, as `formats.RecordReader` says."""
    for number, where, record in json_records(file):
        if isinstance(record, list) == (field is not None):
            other = "not a list of ids" if field is None else "not an object"
            raise CorpusError(f"{where} is a JSON {type(record).__name__}, {other}: mend or drop it")
        yield number, where, record if field is None else dig(record, field, where)


def json_records(file: InputFile) -> Iterator[tuple[int, str, Any]]:
    """Yield (number, place for messages, record), of JSON lines or of one array of objects or lists.

    Records are numbered as their lines, or from 1 in the array; blank lines are passed over.

    Raises
    ------
    CorpusError
        When a record is no JSON object (or list of ids), or longer than MAX_RECORD_BYTES.
    """
    parts = checked_text(file)
    head = b""
    for part in parts:
        head = head + part if head else part.lstrip(_WHITE)
        if len(head) > _HEAD_BYTES:
            break
    stream = _joined(head, parts)
    if re.match(rb"\[\s*(\{|\[|\]\s*$)", head):
        found, unit = _items(stream, file), "record"
    else:
        # the blank lines before the first record count too
        found, unit = _lines(checked_text(file), file), "line"
    for number, text in found:
        where = f"{file} {unit} {number}"
        try:
            record: Any = json.loads(text.decode("utf-8", "surrogateescape"), object_pairs_hook=unique_keys)
        except (ValueError, RecursionError) as error:
            raise CorpusError(f"{where} is not valid JSON ({error}): mend or drop that {unit}") from None
        if not isinstance(record, dict | list):
            raise CorpusError(f"{where} is a JSON {type(record).__name__}, not an object: one record a line is needed")
        yield number, where, record


def _joined(head, parts):
    if head:
        yield head
    yield from parts


def _lines(parts, file):
    """Yield (line number, line without its end), blank lines left out."""
    rest, number = bytearray(), 0
    for part in parts:
        first = len(rest)
        rest += part
        end = rest.rfind(b"\n", first) + 1
        for line in bytes(rest[: end - 1]).split(b"\n") if end else ():
            number += 1
            if line.strip():
                yield number, line
        del rest[:end]
        if len(rest) > MAX_RECORD_BYTES:
            raise CorpusError(
                f"{file} line {number + 1} is longer than {MAX_RECORD_BYTES} bytes: is it JSON lines, one record a "
                "line?"
            )
    if rest.strip():
        yield number + 1, bytes(rest)


def _items(parts, file):
    """Yield (number, text) of each item of one array, found by its brackets and commas."""
    buffer, at, start, depth, quoted, number = bytearray(), 0, 0, 0, False, 0
    ended = False
    for part in parts:
        buffer += part
        while not ended:
            found = (_IN_STRING if quoted else _MARKS).search(buffer, at)
            if found is None:
                at = len(buffer)
                break
            mark, place = found.group(), found.start()
            if mark == b"\\":
                if place + 1 == len(buffer):
                    at = place
                    break
                at = place + 2
                continue
            at = place + 1
            if mark == b'"':
                quoted = not quoted
            elif mark in b"[{":
                depth += 1
                start = at if depth == 1 else start
            else:
                depth -= mark != b","
                ended = depth == 0
                if ended and mark == b"}":
                    raise CorpusError(f"{file} closes its JSON array by a brace after record {number + 1}: mend it")
                if ended or (depth == 1 and mark == b","):
                    item = bytes(buffer[start:place])
                    if item.strip() or mark == b"," or number:
                        number += 1
                        yield number, item
                    start = at
        del buffer[:start]
        at, start = at - start, 0
        if ended and buffer.strip():
            raise CorpusError(f"{file} goes on after its JSON array: give one array, or one record a line")
        if len(buffer) > MAX_RECORD_BYTES:
            raise CorpusError(f"{file} record {number + 1} is longer than {MAX_RECORD_BYTES} bytes: split it")
    if not ended:
        raise CorpusError(f"{file} ends in the middle of a JSON array: it was cut short, fetch it again")


def looks_like(file: InputFile, n: int = 2) -> dict[str, tuple[str, str]] | None:
    """Look at the first ``n`` records of a file that may or may not be JSON.

    Returns
    -------
    dict or None
        Forms of the fields of the records (`fields.forms_of`); None when they are no JSON objects, or when the file is
        one object and nothing else.
    """
    forms: dict[str, tuple[str, str]] = {}
    count = 0
    try:
        head = b"".join(part for _, part in zip(range(1), checked_text(file)))
        if head[:4096].lstrip()[:1] not in (b"{", b"["):
            return None
        array = head.lstrip()[:1] == b"["
        for _, _, record in json_records(file):
            if not isinstance(record, dict):
                return None
            forms |= forms_of(record)
            count += 1
            if count == n:
                break
    except CorpusError:
        return None
    return forms if count == n or (array and count) else None
