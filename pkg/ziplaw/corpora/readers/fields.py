"""Which field of a record holds what is wanted, and how its value becomes text or ids.

A field is named by its key, or by keys joined with dots where records are nested. Its *form* is "text" (strings),
"chat" (a list of messages), "ids" (a list of integers), "null" (nothing seen yet) or "other".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import CorpusError, shown

TEXT_FIELDS = ("text", "content")
CHAT_FIELDS = ("messages", "conversations")
ID_FIELDS = ("input_ids", "token_ids", "tokens")
MAX_ID = (1 << 31) - 1
# keys of a message's words: of OpenAI's messages, and of ShareGPT's conversations
_MESSAGE_KEYS = ("content", "value")
_DEPTH = 4
_SHOWN_FIELDS, _SHOWN_LETTERS = 20, 60
_FITS = dict.fromkeys(TEXT_FIELDS, ("text", "null", "ids")) | dict.fromkeys(CHAT_FIELDS, ("chat",))
_FITS |= dict.fromkeys(ID_FIELDS, ("ids",))


def form_of(value: Any) -> tuple[str, str]:
    """Return (form, name of the type) of a value from JSON."""
    name = type(value).__name__
    if value is None:
        return "null", name
    if isinstance(value, str):
        return "text", name
    if isinstance(value, list) and value:
        first = value[0]
        if isinstance(first, int) and not isinstance(first, bool):
            return "ids", name
        if isinstance(first, dict) and any(key in first for key in _MESSAGE_KEYS):
            return "chat", name
    return ("null" if value == [] else "other"), name


def forms_of(record: dict[str, Any], prefix: str = "", depth: int = _DEPTH) -> dict[str, tuple[str, str]]:
    """Return {field: (form, type)} of a record, the fields within its objects too."""
    found: dict[str, tuple[str, str]] = {}
    for key, value in record.items():
        if isinstance(value, dict) and depth:
            found |= forms_of(value, f"{prefix}{key}.", depth - 1)
        else:
            found[f"{prefix}{key}"] = form_of(value)
    return found


def choose_field(
    forms: dict[str, tuple[str, str]], wanted: str | None, where: str, what: str = "field"
) -> tuple[str, str, str]:
    """Choose the field to read.

    Parameters
    ----------
    forms : dict
        Field to (form, type), from `forms_of` or from the schema of a table.
    wanted : str or None
        What the user named; by default the one of TEXT_FIELDS, CHAT_FIELDS and ID_FIELDS that is there, else the only
        field of text.
    where, what : str
        What messages call the place, and a field.

    Returns
    -------
    field : str
    form : str
        "text", "chat" or "ids".
    why : str
        "" or how it was chosen.

    Raises
    ------
    CorpusError
        When there is none, or more than one and nothing tells which.
    """
    # an object that is null in some records is one all the same
    objects = {name.rpartition(".")[0] for name in forms}
    forms = {name: found for name, found in forms.items() if found[0] != "null" or name not in objects}
    if wanted is not None:
        if wanted not in forms:
            inside = [name for name in forms if name.startswith(f"{wanted}.")]
            if inside:
                raise CorpusError(
                    f"{where}: {what} {shown(wanted)} is an object, must be text: name a field in it "
                    f"({_listed(inside)})"
                )
            raise CorpusError(f"{where} has no {what} {shown(wanted)} (it has: {_listed(forms)}): name it with --field")
        form, kind = forms[wanted]
        if form == "other":
            raise CorpusError(
                f"{where}: {what} {shown(wanted)} is {_a(kind, what)}, must be text: name another --field"
            )
        return wanted, ("text" if form == "null" else form), ""
    known = [name for name, fits in _FITS.items() if name in forms and forms[name][0] in fits]
    sure = [name for name in known if forms[name][0] != "null"]
    known = sure or known
    if len(known) > 1:
        raise CorpusError(
            f"{where} has {what}s {' and '.join(map(repr, known))}, which differ: say which to read with --field"
        )
    if known:
        form = forms[known[0]][0]
        return known[0], ("text" if form == "null" else form), ""
    for name in TEXT_FIELDS:
        if name in forms:
            raise CorpusError(
                f"{where}: {what} {shown(name)} is {_a(forms[name][1], what)}, must be text: name another --field"
            )
    texts = [name for name, (form, _) in forms.items() if form == "text"]
    if len(texts) == 1:
        return texts[0], "text", f"the only {what} of text"
    raise CorpusError(
        f"{where} has no {what} {' or '.join(map(repr, TEXT_FIELDS))} (it has: {_listed(forms)}): name it with --field"
    )


def _a(kind, what):
    return kind if what == "column" else f"a {kind}"


def _listed(names):
    names = [name if len(name) <= _SHOWN_LETTERS else f"{name[:_SHOWN_LETTERS]}..." for name in map(str, names)]
    more = f", and {len(names) - _SHOWN_FIELDS} more" if len(names) > _SHOWN_FIELDS else ""
    return (", ".join(names[:_SHOWN_FIELDS]) or "none") + more


def dig(record: Any, field: str, where: str) -> Any:
    """Return the value of a field of a record; of a null object it is None."""
    if isinstance(record, dict) and field in record:
        return record[field]
    value = record
    for key in field.split("."):
        if value is None:
            return None
        if not isinstance(value, dict) or key not in value:
            has = _listed(forms_of(record)) if isinstance(record, dict) else "none"
            raise CorpusError(f"{where} has no field {shown(field)} (it has: {has}): name it with --field")
        value = value[key]
    return value


def as_text(value: Any, where: str, field: str | None) -> bytes:
    """Return a value as UTF-8, empty for nothing.

    Of a chat the words of its messages are taken, in their order, a blank line between two; roles, tool calls and
    parts that are no text are not.
    """
    if value is None or value == []:
        return b""
    if isinstance(value, list) and all(isinstance(message, dict) for message in value):
        value = "\n\n".join(filter(None, (_words(message) for message in value)))
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise CorpusError(
            f"{where}: field {shown(field)} is a {type(value).__name__}, must be text: name another --field"
        )
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _words(message):
    content = next((message[key] for key in _MESSAGE_KEYS if message.get(key) is not None), None)
    if isinstance(content, list):  # parts: {"type": "text", "text": ...}, images beside them
        content = "\n".join(
            part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return content if isinstance(content, str) else ""


def as_ids(value: Any, where: str, field: str | None) -> np.ndarray:
    """Return a list of ids as uint32, empty for nothing.

    Raises
    ------
    CorpusError
        When it is no list of integers from 0 to MAX_ID.
    """
    if value is None:
        return np.empty(0, np.uint32)
    if isinstance(value, list | np.ndarray):
        try:
            ids = np.asarray(value)
        except (ValueError, OverflowError):
            ids = np.empty((0, 0))
        if ids.size == 0 and ids.ndim == 1:
            return np.empty(0, np.uint32)
        if ids.ndim == 1 and ids.dtype.kind in "iu" and 0 <= int(ids.min()) and int(ids.max()) <= MAX_ID:
            return ids.astype(np.uint32)
    name = f"field {shown(field)}" if field else "the record"
    raise CorpusError(f"{where}: {name} is no list of token ids from 0 to {MAX_ID}: mend or drop that record")
