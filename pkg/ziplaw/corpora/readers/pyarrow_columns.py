"""What files with columns share: pyarrow and its errors, the forms of columns, their values one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...errors import CorpusError
from ..storage.files import InputFile, missing
from ..storage.packed import FREE_BYTES, MAX_RATIO
from .fields import choose_field, dig

# a row takes as much time as this many bytes of text
_ROW_BYTES = 256


def load_pyarrow(file: InputFile) -> Any:
    """Return pyarrow with the parts that read files; CorpusError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise missing("pyarrow", f"{file} ({file.kind})") from None
    return pyarrow


class Readable:
    """Turn what pyarrow raises for a file that it cannot read into one line."""

    def __init__(self, pa: Any, file: InputFile):
        self.pa, self.file = pa, file

    def __enter__(self) -> Readable:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        expected = (self.pa.ArrowException, UnicodeDecodeError, OSError, OverflowError, MemoryError)
        if isinstance(error, expected) and not isinstance(error, FileNotFoundError | PermissionError):
            text = " ".join(str(error).split())[:200]
            what = f"{self.file} is no readable {self.file.kind} file ({text}): fetch it again"
            raise CorpusError(what) from None


def _form(kind, pa):
    """Return the form of a column, as `fields.form_of` does of a value."""
    types = pa.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind) or types.is_large_binary(kind):
        return "text"
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return "text"
    if types.is_null(kind):
        return "null"
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        inner = kind.value_type
        if types.is_integer(inner):
            return "ids"
        names = {inner.field(i).name for i in range(inner.num_fields)} if types.is_struct(inner) else set()
        return "chat" if names & {"content", "value"} else "other"
    return "other"


def forms_of_columns(fields: Iterable[Any], pa: Any, prefix: str = "") -> dict[str, tuple[str, str]]:
    """Return {column: (form, type)} of a schema, the fields within structs too."""
    found: dict[str, tuple[str, str]] = {}
    for field in fields:
        if pa.types.is_struct(field.type):
            inner = [field.type.field(i) for i in range(field.type.num_fields)]
            found |= forms_of_columns(inner, pa, f"{prefix}{field.name}.")
        else:
            found[prefix + field.name] = (_form(field.type, pa), str(field.type))
    return found


def _check_twice(schema, column, file):
    """Refuse a column whose name another one has: which is meant?"""
    for name in (column, column.split(".")[0]):
        if schema.names.count(name) > 1:
            raise CorpusError(f"{file} has {schema.names.count(name)} columns {name!r}: rename one of them")


def choose_column(schema: Any, wanted: str | None, file: InputFile, pa: Any) -> tuple[str, str, str]:
    """Choose the column to read; result as of `fields.choose_field`."""
    chosen = choose_field(forms_of_columns(schema, pa), wanted, str(file), "column")
    _check_twice(schema, chosen[0], file)
    return chosen


def column_values(
    file: InputFile, column: str, batches: Callable[[InputFile, str, Any], Iterator[Any]]
) -> Iterator[tuple[int, str, Any]]:
    """Yield (row number from 1, place for messages, value) of a column; None for null, an array for a list of numbers.

    Parameters
    ----------
    file : InputFile
        The file.
    column : str
        As `choose_column` chose it.
    batches : callable
        ``batches(file, column, pyarrow)`` yields record batches.

    Raises
    ------
    CorpusError
        When the file is damaged, unpacks to far too much or has no such column, or pyarrow is not installed.
    """
    with open(file, "rb") as stream:
        limit = max(FREE_BYTES, MAX_RATIO * stream.seek(0, 2))
    pa = load_pyarrow(file)
    row = 0
    with Readable(pa, file):
        for batch in batches(file, column, pa):
            names = batch.schema.names
            root = column if column in names else column.split(".")[0]
            if root not in names:
                dig(dict.fromkeys(names), column, str(file))
            cells = batch.column(names.index(root))
            ids = root == column and _form(cells.type, pa) == "ids"
            # one value after the other: of a column with a dictionary a batch may stand for much more than it holds
            for cell in cells:
                row += 1
                where = f"{file} row {row}"
                if ids:
                    value = None if cell.values is None else cell.values.to_numpy(zero_copy_only=False)
                else:
                    value = cell.as_py()
                value = value if root == column else dig({root: value}, column, where)
                limit -= _ROW_BYTES + (len(value) if isinstance(value, str | bytes) else 0)
                if limit < 0:
                    raise CorpusError(
                        f"{where}: the file unpacks to over {MAX_RATIO} times its size: if that is meant, give it "
                        "as text"
                    )
                yield row, where, value
