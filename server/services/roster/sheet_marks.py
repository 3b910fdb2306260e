"""What the reader of spreadsheets does not tell: hidden rows and columns, formats of numbers.

For an xlsx the part of the sheet is read once more as XML, without keeping it; for an xls xlrd
tells. Both happen in the child that reads rosters.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml.ElementTree
import defusedxml.expatreader
from defusedxml.common import DefusedXmlException

CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"
UNREADABLE = (
    *(zipfile.BadZipFile, LookupError, ValueError, ParseError, SAXException),
    *(DefusedXmlException, StopIteration),
)


@dataclass
class SheetMarks:
    """Rows are numbered from 1, columns from 0."""

    hidden_rows: list[int] = field(default_factory=list)
    hidden_columns: set[int] = field(default_factory=set)
    formats: dict[tuple[int, int], str] = field(default_factory=dict)
    """Number format of each cell that has another than the usual one: (row, column) → format."""
    are_known: bool = True
    """False where the file's kind does not tell."""

    def format_of(self, row: int, column: int) -> str | None:
        """Return a cell's number format; None where the file does not tell."""
        return self.formats.get((row, column), "General") if self.are_known else None


def read_xlsx_marks(data: bytes, sheet_name: str) -> SheetMarks:
    """Return the marks of a sheet of an xlsx; unknown ones where the file is of another kind."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            part = _find_part(archive, sheet_name)
            collector = _Collector(_read_formats(archive))
            parser = defusedxml.expatreader.create_parser()
            parser.setContentHandler(collector)
            with archive.open(part) as stream:
                parser.parse(stream)
            return collector.marks
    except UNREADABLE:
        return SheetMarks(are_known=False)


def _find_part(archive: zipfile.ZipFile, sheet_name: str) -> str:
    book = _parse(archive, "xl/workbook.xml")
    links = {
        one.get("Id"): one.get("Target", "")
        for one in _parse(archive, "xl/_rels/workbook.xml.rels").iter(f"{PACKAGE}Relationship")
    }
    for sheet in _all(book, "sheet"):
        if sheet.get("name") == sheet_name:
            link = next(value for key, value in sheet.items() if key.endswith("}id"))
            return posixpath.normpath(posixpath.join("/xl", links[link])).lstrip("/")
    raise KeyError(sheet_name)


def _read_formats(archive: zipfile.ZipFile) -> list[str]:
    """Return the number format of each cell style, in the order of the styles."""
    # Loaded here: only this child needs it.
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    if "xl/styles.xml" not in archive.namelist():
        return []
    styles = _parse(archive, "xl/styles.xml")
    own = {one.get("numFmtId"): one.get("formatCode", "") for one in _all(styles, "numFmt")}
    used = next(iter(_all(styles, "cellXfs")), None)
    ids = [one.get("numFmtId", "0") for one in used] if used is not None else []
    return [own.get(one) or BUILTIN_FORMATS.get(int(one), "?") for one in ids]


def _parse(archive: zipfile.ZipFile, name: str) -> Element:
    with archive.open(name) as stream:
        root = defusedxml.ElementTree.parse(stream).getroot()
    if root is None:
        raise ValueError(name)
    return root


def _all(root: Element, name: str) -> list[Element]:
    return [*root.iter(MAIN + name), *root.iter(STRICT + name)]


class _Collector(ContentHandler):
    """Collects marks from the events of a sheet's XML."""

    def __init__(self, formats: list[str]) -> None:
        super().__init__()
        self.marks = SheetMarks()
        self._unusual = {
            str(place): one for place, one in enumerate(formats) if one not in {"General", "@"}
        }
        self._row = 0
        self._column = -1

    def startElement(self, name: str, attributes: Any) -> None:  # noqa: N802 - the API of SAX
        bare = name.rsplit(":", 1)[-1]
        if bare == "c":
            self._see_cell(attributes)
        elif bare == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = -1
            if attributes.get("hidden") in {"1", "true"}:
                self.marks.hidden_rows.append(self._row)
        elif bare == "col" and attributes.get("hidden") in {"1", "true"}:
            first, last = int(attributes["min"]), min(int(attributes["max"]), 16_384)
            self.marks.hidden_columns.update(range(first - 1, last))

    def _see_cell(self, attributes: Any) -> None:
        place = CELL.fullmatch(attributes.get("r", ""))
        self._column = _number_column(place[1]) if place else self._column + 1
        style = attributes.get("s")
        if style in self._unusual and attributes.get("t", "n") == "n":
            self.marks.formats[self._row, self._column] = self._unusual[style]


def _number_column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def read_xls_marks(data: bytes, sheet_name: str) -> SheetMarks:
    """Return the marks of a sheet of an xls; unknown ones where xlrd cannot read it."""
    # Loaded here: only an xls needs it.
    import xlrd
    import xlrd.biffh

    try:
        book = xlrd.open_workbook(
            file_contents=data, formatting_info=True, on_demand=True, logfile=io.StringIO()
        )
        sheet = book.sheet_by_name(sheet_name)
    except (xlrd.biffh.XLRDError, AssertionError, LookupError, ValueError, NotImplementedError):
        return SheetMarks(are_known=False)
    marks = SheetMarks()
    marks.hidden_rows = sorted(
        row + 1 for row, info in sheet.rowinfo_map.items() if info.hidden and row < sheet.nrows
    )
    marks.hidden_columns = {place for place, info in sheet.colinfo_map.items() if info.hidden}
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            if sheet.cell_type(row, column) == xlrd.XL_CELL_NUMBER:
                style = book.xf_list[sheet.cell_xf_index(row, column)]
                marks.formats[row + 1, column] = book.format_map[style.format_key].format_str
    return marks
