"""A table as text: its lines' comments, the mark between its columns, its header, its rows of cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from ..base.numerals import read_number
from ..errors import FitError, shown

MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 1_000_000, 4096, 10_000_000
MARKS = ",;\t|"
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
_SEP = re.compile(r"[ \t\r\n]*\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n|$)", re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
_TITLE_LINES = 5
_SAMPLE_LINES, _SAMPLE_CHARACTERS = 30, 1 << 16


def read_text_table(text: str, name: str) -> tuple[list[dict[str, str | None]], str, list[str]]:
    """Read a table of text with a header into one dict a row; every cell stays text, an empty one is None.

    Parameters
    ----------
    text : str
        Columns between commas, semicolons, tabs, bars or spaces, told from the content or by a first line ``sep=;``.
        Comment lines (#) before the header and among the rows, blank lines and repeated headers are left out.
    name : str
        What messages call it.

    Returns
    -------
    rows : list of dict
    mark : str
        What stands between the columns.
    notes : list of str
        What was left out, or guessed.

    Raises
    ------
    FitError
        When there is no header, two columns share a name, a row has more cells than the header, or the table is larger
        than MAX_ROWS, MAX_COLUMNS or MAX_CELLS.
    """
    start, before, comments, given = 0, 0, [], _SEP.match(text)
    if given:
        start = given.end()
    while start < len(text):
        line = _LINE.match(text, start)
        assert line is not None  # it matches any text, also none
        if line[0].lstrip().startswith("#"):
            comments.append(line[0].strip())
        elif line[0].strip():
            break
        start, before = line.end(), before + 1
        if before > MAX_ROWS:
            raise FitError(
                f"{name} has more than {MAX_ROWS} lines of comments or blanks before its header: cut them off"
            )
    title_end = _after_titles(text[start : start + _SAMPLE_CHARACTERS], given[1] if given else MARKS)
    titles, start = text[start : start + title_end].split("\n")[:-1], start + title_end
    mark = given[1] if given else _mark(text[start : start + _SAMPLE_CHARACTERS])
    lines = _cells(text[start:], mark, name, len(text[:start].splitlines()))
    header, first = next(((row, number) for number, row in lines), ([], 0))
    notes = [f"columns between {NAMES[mark]}"] if mark in ";| " else []
    notes += [f"the line above the header, {shown(title.strip(' ,;|'))}, left out" for title in titles if title.strip()]
    rest = []
    if header and all(read_number(cell) is not None for cell in header):
        # numpy.savetxt and plotting programs write the header as a comment
        named = _header_in(comments, mark, len(header), name)
        if named is None:
            raise FitError(f"{name} has numbers in its first line, no names: add a header line such as N,D,loss")
        rest, header = [(first, header)], named
        comments.pop()
    rows, left_out = _rows(header, rest, lines, name)
    left_out["comment line"] += len(comments)
    notes += [f"{n} {what}{'s' * (n > 1)} left out" for what, n in left_out.items() if n]
    return rows, mark, notes


def _rows(header, rest, lines, name):
    if not any(header):
        raise FitError(f"{name} is empty: a table with a header line is needed")
    seen = set()
    for column in filter(None, header):
        if column in seen:
            raise FitError(f"{name} has two columns named {shown(column)}: rename one")
        seen.add(column)
    rows, left_out = [], {"comment line": 0, "repeated header": 0}
    for number, cells in (*rest, *lines) if rest else lines:
        if cells == header:
            left_out["repeated header"] += 1
            continue
        if cells[0].startswith("#") and len(cells) != len(header):
            left_out["comment line"] += 1
            continue
        if all(set(cell) <= set("-:=") for cell in cells) and any(cells):  # the rule under a header in Markdown
            continue
        if any(cells[len(header) :]):
            raise FitError(
                f"{name} line {number} has more cells than the header, {len(cells)} for {len(header)}: mend that line "
                "(numbers with commas need quotes, or another mark between the columns)"
            )
        rows.append({column: cell or None for column, cell in zip(header, cells) if column})
        if len(rows) > MAX_ROWS or len(rows) * len(header) > MAX_CELLS:
            raise FitError(
                f"{name} has more than {MAX_ROWS} rows or {MAX_CELLS} cells: keep the rows and columns of the runs"
            )
        if len(cells) < len(header):
            rows[-1].update((column, None) for column in header[len(cells) :] if column)
    return rows, left_out


def _cells(text: str, mark: str, name: str, above: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, stripped cells) of every line that is not blank; ``above`` counts the lines before them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True, skipinitialspace=True)
    try:
        for row in reader:
            if len(row) > MAX_COLUMNS:
                raise FitError(f"{name} has {len(row)} columns, at most {MAX_COLUMNS} are read: keep those of the runs")
            if reader.line_num > 2 * MAX_ROWS:
                raise FitError(f"{name} has more than {2 * MAX_ROWS} lines: keep those of the runs")
            cells = [cell.strip() for cell in row]
            if mark == "|" and len(cells) > 2 and not cells[0] and not cells[-1]:
                cells = cells[1:-1]
            if any(cells):
                yield above + reader.line_num, cells
    except csv.Error as error:
        raise FitError(
            f"{name} is no table that can be read ({error}, near line {above + reader.line_num}): mend it"
        ) from None


def _after_titles(sample, marks):
    """Return how many characters lie before the header: lines with one cell, as sheets have for titles, then one of
    names.

    A title is told from a header by the names that follow it: two cells or more, none of them a number.
    """
    end, n_lines = 0, 0
    for match in _LINE.finditer(sample):
        line = match[0].strip()
        if not line:
            continue
        if line.count('"') % 2:  # a cell goes on in the next line
            return 0
        counts = {mark: [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [])] for mark in marks}
        cells = max(counts.values(), key=lambda cells: (sum(map(bool, cells)), len(cells)))
        filled = [cell for cell in cells if cell]
        if len(filled) > 1:
            return end if not any(read_number(cell) is not None for cell in filled) else 0
        end, n_lines = match.end(), n_lines + 1
        if n_lines > _TITLE_LINES:
            break
    return 0


def _mark(sample):
    """Return the mark that cuts the first lines into equally many cells, the more the better; a comma where none
    does.
    """
    lines = [line for line in sample.splitlines()[: _SAMPLE_LINES + 1] if line.strip()]
    if len(sample) == _SAMPLE_CHARACTERS:
        lines = lines[:-1] or lines  # the last one is cut
    best, mark = (0.0, 1), ","
    for candidate in f"{MARKS} ":
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=candidate, skipinitialspace=True) if row]
        except csv.Error:
            continue
        if not counts or counts[0] < 2:
            continue
        # a space is a mark only where nothing else is; ties go to the earlier mark
        score = (sum(count == counts[0] for count in counts) / len(counts), counts[0])
        if score > best and (candidate != " " or best == (0.0, 1)):
            best, mark = score, candidate
    return mark


def _header_in(comments, mark, n_columns, name):
    if not comments:
        return None
    _, cells = next(_cells(comments[-1].lstrip("# "), mark, name), (0, []))
    return cells if len(cells) == n_columns and all(read_number(cell) is None for cell in cells) else None
