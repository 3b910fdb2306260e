"""A workbook of plain cells, written row by row and kept compressed in memory.

The libraries that write xlsx either hold every cell as an object (gigabytes at 100,000 students)
or put the rows into plain temporary files, where a killed process would leave names and ID
numbers. The format of plain cells is five small parts (ECMA-376), so these are written here.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from xml.sax.saxutils import escape

Cell = str | int | Decimal

_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


class XlsxWriter:
    """One workbook: sheet after sheet, row after row."""

    def __init__(self) -> None:
        self._out = io.BytesIO()
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)
        self._sheets: list[str] = []

    def write_sheet(self, name: str, rows: Iterable[Sequence[Cell]]) -> None:
        """Write one sheet; ``rows`` may be a generator. Text stays text: no cell is a formula."""
        self._sheets.append(name)
        with self._zip.open(f"xl/worksheets/sheet{len(self._sheets)}.xml", "w") as part:
            part.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for row in rows:
                cells = "".join(_write_cell(cell) for cell in row)
                part.write(f"<row>{cells}</row>".encode())
            part.write(b"</sheetData></worksheet>")

    def finish(self) -> bytes:
        """Return the workbook."""
        numbers = range(1, len(self._sheets) + 1)
        sheets = "".join(
            f'<sheet name="{escape(name)}" sheetId="{number}" r:id="r{number}"/>'
            for number, name in zip(numbers, self._sheets, strict=True)
        )
        links = "".join(
            f'<Relationship Id="r{number}" Type="{_OFFICE}/worksheet" '
            f'Target="worksheets/sheet{number}.xml"/>'
            for number in numbers
        )
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{number}.xml" '
            f'ContentType="{_TYPE}.worksheet+xml"/>'
            for number in numbers
        )
        self._write(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>',
        )
        self._write("xl/_rels/workbook.xml.rels", _wrap_links(links))
        self._write(
            "_rels/.rels",
            _wrap_links(
                f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            ),
        )
        self._write(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f"{parts}</Types>",
        )
        self._zip.close()
        return self._out.getvalue()

    def _write(self, name: str, text: str) -> None:
        self._zip.writestr(name, _HEAD + text)


def _wrap_links(links: str) -> str:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'


def _write_cell(value: Cell) -> str:
    if isinstance(value, int | Decimal):
        return f"<c><v>{value}</v></c>"
    text = escape(_NOT_IN_XML.sub("", value))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
