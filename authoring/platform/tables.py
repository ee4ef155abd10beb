"""CSV files as people and spreadsheets write them, row by row, and results beside them.

Comes in: a path. Goes out: `TableRow` values with their line numbers, one at a time. UTF-8 with and without a byte order
mark, UTF-16 with one; commas, semicolons and tabs. Cells are text: nothing is a formula or a number.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from authoring.errors import SourceError

DELIMITERS = ",;\t"
LONGEST_CELL = 10_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: the line on which it begins, its cells by column, and what is wrong with its shape, if anything."""

    line: int
    cells: Mapping[str, str]
    fault: str = ""


def read_table(file: Path, columns: Iterable[str]) -> Iterator[TableRow]:
    """The rows of a file whose columns are among `columns`; empty rows are passed over.

    Raises SourceError when it cannot be read as a table at all: no file, no header, an unknown column, an encoding.
    """
    known = tuple(columns)
    with _opened(file) as stream:
        first = stream.readline()
        delimiter = max(DELIMITERS, key=first.count)
        names = _header(file, next(csv.reader([first], delimiter=delimiter), []), known)
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 2
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield TableRow(line, {}, f"cannot be read as CSV ({error})")
                continue
            except UnicodeDecodeError as error:
                raise _undecodable(file, line) from error
            if any(cell.strip() for cell in cells):
                yield _row(line, names, cells)


def _row(line: int, names: Sequence[str], cells: Sequence[str]) -> TableRow:
    found = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if not name.startswith("_")}
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        return TableRow(line, found, f"has {len(cells)} cells, the header {len(names)}")
    long = next((name for name, cell in found.items() if len(cell) > LONGEST_CELL), None)
    return TableRow(line, found, f"{long}: longer than {LONGEST_CELL} characters" if long else "")


def _header(file: Path, cells: Sequence[str], known: Sequence[str]) -> list[str]:
    names = [cell.strip().lower().replace(" ", "_").replace("-", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise SourceError(
            f"{file}:1: the file has no header", hint=f"its first line names the columns: {', '.join(known)}"
        )
    if "password" in names:
        raise SourceError(
            f"{file}:1: a column of passwords; nothing was sent",
            hint="passwords do not belong in a file: delete it, and name environment variables in `password_env`",
        )
    for name in names:
        if names.count(name) > 1:
            raise SourceError(f"{file}:1: two columns are called {name!r}", hint="keep one of them")
        if name not in known and not name.startswith("_"):
            raise SourceError(
                f"{file}:1: no column is called {name!r}",
                hint=f"the columns are {', '.join(known)}; what is for yourself begins with `_`",
            )
    return names


@contextmanager
def _opened(file: Path) -> Iterator[IO[str]]:
    try:
        with file.open("rb") as raw:
            start = raw.read(4)
        with file.open(encoding=_encoding(start), newline="") as stream:
            yield stream
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror})", hint="check the name") from error
    except UnicodeDecodeError as error:
        raise _undecodable(file, 1) from error


def _encoding(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _undecodable(file: Path, line: int) -> SourceError:
    return SourceError(
        f"{file}: from line {line} on it is neither UTF-8 nor UTF-16", hint="save it as `CSV UTF-8` and run again"
    )


def write_table(file: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table in one step, so that a half-written one is never there. What a spreadsheet would take for a formula gets
    an apostrophe before it. Raises SourceError."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            for row in rows:
                writer.writerow([_plain(str(cell)) for cell in row])
        part.replace(file)
    except OSError as error:
        raise SourceError(
            f"{file}: cannot be written ({error.strerror})", hint="free some space or check the folder"
        ) from error


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell
