"""Writes the zip of an export: a folder and a manifest for each use, and a summary.

Every photo is read and its hash compared. A photo that is missing or damaged fails the export with
its name: it never holds silently fewer. Memory: one photo, and about 300 bytes a student for
manifest and directory.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.gateways.photo_store import PhotoDamaged, PhotoMissing, hash_bytes
from server.services.export_plan import (
    ExportOrder,
    ExportRow,
    ExportTitle,
    Naming,
    Use,
    count_rows,
    read_rows,
    read_title,
)
from server.services.ledger_csv import write_line
from server.services.write_xlsx import Cell, XlsxWriter

BOM = b"\xef\xbb\xbf"
"""Without it Excel reads UTF-8 as GBK."""
NAMED_PROBLEMS = 10
UNSAFE_IN_NAME = re.compile(r"[^0-9A-Za-z\u4e00-\u9fff_-]")
RESERVED_NAME = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")
INTERNAL_COLUMNS = ("序号", "文件", "学号", "姓名", "层次", "专业", "学习中心", "采集时间")
FILE_COLUMNS = ("字节数", "SHA-256")


class ExportEmpty(CaijiError):
    """Nobody in the batch is 已采集 for this use."""

    code = "export_empty"
    status = 422
    message = "该批次没有已采集的照片,没有可导出的内容"


class ExportIncomplete(CaijiError):
    """Photos are missing or damaged; the message names them by 学号 or 采集码."""

    code = "export_incomplete"
    status = 409
    message = "照片缺失或损坏"


class ExportOvertaken(CaijiError):
    """A photo was unlocked while it was being exported."""

    code = "export_overtaken"
    status = 409
    message = "导出期间有照片被勘误或撤销,请重新导出"


class Sink(Protocol):
    """Where the zip goes: a seekable file, or pieces in the store."""

    def write(self, b: bytes, /) -> int: ...  # noqa: D102
    def flush(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102
    def tell(self) -> int: ...  # noqa: D102
    def seek(self, offset: int, whence: int = 0, /) -> int: ...  # noqa: D102


@dataclass
class UseResult:
    """One folder of the archive: photos, their bytes, and the SHA-256 of its manifest (csv)."""

    use: Use
    count: int = 0
    size_bytes: int = 0
    manifest_sha256: str = ""


@dataclass
class ArchiveWriter:
    """Writes one archive. ``on_photo`` is called after every photo, ``between`` after every entry.

    Raises:
        ExportEmpty, ExportIncomplete, ExportOvertaken, PhotoStoreUnavailable.
    """

    ctx: Context
    order: ExportOrder
    sink: Sink
    on_photo: Callable[[int], None]
    between: Callable[[], None]
    problems: list[str] = field(default_factory=list)
    done: int = 0

    def write(self) -> list[UseResult]:
        """Write all of it; the sink then holds a whole zip."""
        with self.ctx.db.read() as session:
            title = read_title(session, self.order)
        with zipfile.ZipFile(self.sink, "w", zipfile.ZIP_STORED) as archive:
            results = [self._write_use(archive, title, use) for use in self.order.uses]
            if self.problems:
                raise ExportIncomplete(describe_problems(self.problems))
            if not any(result.count for result in results):
                raise ExportEmpty
            self._refuse_overtaken(results)
            self._add(archive, "汇总.csv", write_summary(title, self.order, results))
        return results

    def _write_use(self, archive: zipfile.ZipFile, title: ExportTitle, use: Use) -> UseResult:
        result = UseResult(use)
        book = XlsxWriter()
        lines = io.BytesIO()
        lines.write(BOM)
        book.write_sheet("清单", self._write_photos(archive, use, result, lines))
        result.manifest_sha256 = hash_bytes(lines.getvalue())
        book.write_sheet("汇总", describe_use(title, self.order, result))
        self._add(archive, f"{use.label}/清单.csv", lines.getvalue())
        self._add(archive, f"{use.label}/清单.xlsx", book.finish())
        return result

    def _write_photos(
        self, archive: zipfile.ZipFile, use: Use, result: UseResult, lines: io.BytesIO
    ) -> Iterator[tuple[Cell, ...]]:
        """Put the photos of a use into the archive; yields the manifest's rows, its head first."""
        names = FileNames(self.order.naming)
        columns = list_columns(self.order.naming)
        lines.write(write_line(columns).encode())
        yield columns
        for row in read_rows(self.ctx, self.order, use):
            data = self._read_photo(row)
            self.done += 1
            if data is not None:
                file_name = names.make(row)
                self._add(archive, f"{use.label}/{file_name}", data, zipfile.ZIP_STORED)
                result.count += 1
                result.size_bytes += len(data)
                cells = (*describe_row(self.order.naming, result.count, file_name, row), len(data))
                cells = (*cells, row.standard_sha256 or "")
                lines.write(write_line(tuple(str(cell) for cell in cells)).encode())
                yield cells
            self.on_photo(self.done)

    def _read_photo(self, row: ExportRow) -> bytes | None:
        """Return the standard photo, or None after noting what is wrong with it."""
        who = row.student_no if self.order.naming.is_internal else row.collection_code
        if row.standard_key is None:
            self.problems.append(f"{who} 没有标准照片")
            return None
        try:
            data = self.ctx.photo_store.get(row.standard_key)
        except PhotoDamaged:
            self.problems.append(f"{who} 照片文件损坏")
            return None
        except PhotoMissing:
            self.problems.append(f"{who} 照片文件缺失")
            return None
        if hash_bytes(data) != row.standard_sha256:
            self.problems.append(f"{who} 照片文件损坏")
            return None
        return data

    def _refuse_overtaken(self, results: list[UseResult]) -> None:
        with self.ctx.db.read() as session:
            counts = [count_rows(session, self.order, result.use) for result in results]
        if counts != [result.count for result in results]:
            raise ExportOvertaken

    def _add(
        self,
        archive: zipfile.ZipFile,
        name: str,
        data: bytes,
        method: int = zipfile.ZIP_DEFLATED,
    ) -> None:
        moment = to_local(self.order.as_of)
        entry = zipfile.ZipInfo(name, moment.timetuple()[:6])
        entry.compress_type = method
        entry.external_attr = 0o600 << 16
        archive.writestr(entry, data)
        self.between()


class FileNames:
    """Makes safe file names that differ from each other, also where case does not count."""

    def __init__(self, naming: Naming) -> None:
        self._naming = naming
        self._taken: set[str] = set()

    def make(self, row: ExportRow) -> str:
        """Return ``<name>.jpg``; one ID number with two enrolments gets the 学号 behind it."""
        chosen = {
            Naming.STUDENT_NO: row.student_no,
            Naming.ID_NUMBER: row.id_number,
            Naming.COLLECTION_CODE: row.collection_code,
        }[self._naming]
        name = make_safe(chosen)
        if name.casefold() in self._taken and self._naming is Naming.ID_NUMBER:
            name = f"{name}_{make_safe(row.student_no)}"
        first, number = name, 2
        while name.casefold() in self._taken:
            name, number = f"{first}_{number}", number + 1
        self._taken.add(name.casefold())
        return f"{name}.jpg"


def make_safe(text: str) -> str:
    """Return a file name of letters, digits, Chinese, ``-`` and ``_``: never a path or a device."""
    name = UNSAFE_IN_NAME.sub("_", text) or "_"
    return f"{name}_" if RESERVED_NAME.match(name) else name


def list_columns(naming: Naming) -> tuple[str, ...]:
    """Return the head of the manifest."""
    if not naming.is_internal:
        return ("序号", "文件", "采集码", *FILE_COLUMNS)
    by_id = ("身份证号",) if naming is Naming.ID_NUMBER else ()
    return (*INTERNAL_COLUMNS, *by_id, *FILE_COLUMNS)


def describe_row(naming: Naming, number: int, file_name: str, row: ExportRow) -> tuple[Cell, ...]:
    """Return the manifest's cells of one student, without size and hash."""
    if not naming.is_internal:
        return (number, file_name, row.collection_code)
    collected = to_local(row.collected_at).strftime("%Y-%m-%d %H:%M:%S")
    person = (row.student_no, row.name, row.level, row.major, row.centre, collected)
    by_id = (row.id_number,) if naming is Naming.ID_NUMBER else ()
    return (number, file_name, *person, *by_id)


def describe_use(
    title: ExportTitle, order: ExportOrder, result: UseResult
) -> list[tuple[Cell, ...]]:
    """Return the second sheet of a manifest: what it is and how much."""
    return [
        ("院校", title.institution),
        ("照片扫描批次", title.batch),
        ("用途", result.use.label),
        ("命名方式", order.naming.label),
        ("截至", to_local(order.as_of).strftime("%Y-%m-%d %H:%M:%S")),
        ("照片数", result.count),
        ("总字节数", result.size_bytes),
        ("清单.csv SHA-256", result.manifest_sha256),
    ]


def write_summary(title: ExportTitle, order: ExportOrder, results: list[UseResult]) -> bytes:
    """Return ``汇总.csv``: one line a use, and all of them together."""
    head = ("用途", "照片数", "总字节数", "清单.csv SHA-256", "院校", "照片扫描批次", "命名方式")
    ends = (title.institution, title.batch, order.naming.label)
    lines = [
        write_line((r.use.label, str(r.count), str(r.size_bytes), r.manifest_sha256, *ends))
        for r in results
    ]
    count, size = sum(r.count for r in results), sum(r.size_bytes for r in results)
    lines.append(write_line(("合计", str(count), str(size), "", *ends)))
    return BOM + (write_line(head) + "".join(lines)).encode()


def describe_problems(problems: list[str]) -> str:
    """Return the first problems in words; each student once, whatever the number of uses."""
    distinct = list(dict.fromkeys(problems))
    shown = ";".join(distinct[:NAMED_PROBLEMS])
    more = f";等 {len(distinct)} 张" if len(distinct) > NAMED_PROBLEMS else ""
    return f"照片缺失或损坏,没有生成导出文件:{shown}{more}"
