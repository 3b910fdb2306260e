"""Writes the zip of an export: a folder and a manifest for each use, and a summary.

Every photo is read and its hash compared. A photo that is missing or damaged fails the export with
its name: it never holds silently fewer. Memory: one photo, and about 300 bytes a student for
manifest and directory.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from imagecheck.profiles.photo_profile import WALLS
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.gateways.photo_store import PhotoDamaged, PhotoMissing, hash_bytes
from server.services.chsi.symbol import SymbolWrong
from server.services.csv_lines import write_line
from server.services.exports.left_out import ExportEmpty, list_without_consent
from server.services.exports.plan import (
    AnyUse,
    ExportOrder,
    ExportRow,
    Naming,
    ProfileUse,
    read_missing,
    read_rows,
    select_held,
)
from server.services.exports.title import ExportTitle, read_title
from server.services.xlsx import Cell, XlsxWriter

BOM = b"\xef\xbb\xbf"
"""Without it Excel reads UTF-8 as GBK."""
NAMED_PROBLEMS = 10
NO_TIME = dt.datetime(1980, 1, 1)  # noqa: DTZ001 - the first that a zip knows, in no zone
CODE_ENDING = "_图像采集码.png"
UNSAFE_IN_NAME = re.compile(r"[^0-9A-Za-z\u4e00-\u9fff_-]")
RESERVED_NAME = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)$")
INTERNAL_COLUMNS = ("序号", "文件", "学号", "姓名", "层次", "专业", "学习中心", "采集时间")
PROFILE_COLUMNS = ("规格", "背景", "原图 SHA-256")
FILE_COLUMNS = ("字节数", "SHA-256")


class ExportIncomplete(CaijiError):
    """Photos are missing or damaged; the message names them by 学号 or 照片编号."""

    code = "export_incomplete"
    status = 409
    message = "照片缺失或损坏"


class ExportOvertaken(CaijiError):
    """A photo was unlocked while it was being exported."""

    code = "export_overtaken"
    status = 409
    message = "导出期间有照片被勘误、撤销，或有学生改变了同意，请重新导出"


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

    use: AnyUse
    count: int = 0
    size_bytes: int = 0
    manifest_sha256: str = ""
    missing: int = 0
    """Collected students of whom there is no picture of the profile."""
    handed_over: list[uuid.UUID] = field(default_factory=list)
    """Who is in it, in the order of the serial numbers."""
    left_out: list[uuid.UUID] = field(default_factory=list)
    """Who has not agreed to this use. Never named in the archive."""


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
                raise ExportIncomplete(_describe_problems(self.problems))
            if not any(result.count for result in results):
                raise ExportEmpty
            self._refuse_overtaken(results)
            self._note_left_out(results)
            self._add(archive, "汇总.csv", _write_summary(title, self.order, results))
        return results

    def _write_use(self, archive: zipfile.ZipFile, title: ExportTitle, use: AnyUse) -> UseResult:
        result = UseResult(use)
        book = XlsxWriter()
        lines = io.BytesIO()
        lines.write(BOM)
        book.write_sheet("清单", self._write_photos(archive, use, result, lines))
        result.manifest_sha256 = hash_bytes(lines.getvalue())
        book.write_sheet("汇总", _describe_use(title, self.order, result))
        self._add(archive, f"{use.folder}/清单.csv", lines.getvalue())
        self._add(archive, f"{use.folder}/清单.xlsx", book.finish())
        if isinstance(use, ProfileUse):
            self._write_missing(archive, use, result)
        return result

    def _write_missing(self, archive: zipfile.ZipFile, use: ProfileUse, result: UseResult) -> None:
        """List who has no picture of this profile, and why: nobody is left out in silence."""
        is_internal = self.order.naming.is_internal
        lines = [write_line(("学号" if is_internal else "照片编号", "原因"))]
        for one in read_missing(self.ctx, self.order, use):
            who = one.student_no if is_internal else one.photo_number
            lines.append(write_line((who, one.reason)))
            result.missing += 1
        if result.missing:
            self._add(archive, f"{use.folder}/缺少.csv", BOM + "".join(lines).encode())

    def _write_photos(
        self, archive: zipfile.ZipFile, use: AnyUse, result: UseResult, lines: io.BytesIO
    ) -> Iterator[tuple[Cell, ...]]:
        """Put the photos of a use into the archive; yields the manifest's rows, its head first."""
        naming = self.order.naming_of(use)
        names = FileNames(naming)
        columns = _list_columns(naming, use)
        lines.write(write_line(columns).encode())
        yield columns
        for row in read_rows(self.ctx, self.order, use):
            data = self._read_photo(row)
            self.done += 1
            if data is not None:
                file_name = names.make(row)
                self._add(archive, f"{use.folder}/{file_name}", data, zipfile.ZIP_STORED)
                self._add_code(archive, use, file_name, row)
                result.handed_over.append(row.enrolment_id)
                result.count += 1
                result.size_bytes += len(data)
                cells = (
                    *_describe_row(naming, result.count, file_name, row),
                    *_describe_cut(use, row),
                    len(data),
                    row.file_sha256 or "",
                )
                lines.write(write_line(tuple(str(cell) for cell in cells)).encode())
                yield cells
            self.on_photo(self.done)

    def _add_code(
        self, archive: zipfile.ZipFile, use: AnyUse, file_name: str, row: ExportRow
    ) -> None:
        """Put the picture of the student's code beside the photo, drawn and read back."""
        if row.chsi is None:
            return
        # Not above: the web process imports this file, and never draws.
        from server.services.chsi.draw import draw_png

        try:
            picture = draw_png(row.chsi)
        except SymbolWrong:
            self.problems.append(f"{row.photo_number} 图像采集码无法还原")
            return
        self._add(archive, f"{use.folder}/{_name_code_picture(file_name)}", picture)

    def _read_photo(self, row: ExportRow) -> bytes | None:
        """Return the photo's file, or None after noting what is wrong with it."""
        who = row.student_no if self.order.naming.is_internal else row.photo_number
        if row.file_key is None:
            self.problems.append(f"{who} 没有标准照片")
            return None
        try:
            data = self.ctx.photo_store.get(row.file_key)
        except PhotoDamaged:
            self.problems.append(f"{who} 照片文件损坏")
            return None
        except PhotoMissing:
            self.problems.append(f"{who} 照片文件缺失")
            return None
        if hash_bytes(data) != row.file_sha256:
            self.problems.append(f"{who} 照片文件损坏")
            return None
        return data

    def _refuse_overtaken(self, results: list[UseResult]) -> None:
        with self.ctx.db.read() as session:
            queries = [select_held(session, self.order, result.use) for result in results]
            held = [set(session.scalars(query)) for query in queries]
        # Not their number: one may have taken a consent back while another gave it.
        if held != [set(result.handed_over) for result in results]:
            raise ExportOvertaken

    def _note_left_out(self, results: list[UseResult]) -> None:
        with self.ctx.db.read() as session:
            for result in results:
                result.left_out = list_without_consent(session, self.order, result.use)

    def _add(
        self,
        archive: zipfile.ZipFile,
        name: str,
        data: bytes,
        method: int = zipfile.ZIP_DEFLATED,
    ) -> None:
        # Outside the house the time of a file tells nothing, not even the day.
        moment = to_local(self.order.as_of) if self.order.naming.is_internal else NO_TIME
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
            Naming.PHOTO_NUMBER: row.photo_number,
            Naming.CHSI_CODE: f"{len(self._taken) + 1:06d}",
        }[self._naming]
        name = make_safe(chosen)
        if name.casefold() in self._taken and self._naming is Naming.ID_NUMBER:
            name = f"{name}_{make_safe(row.student_no)}"
        first, number = name, 2
        while name.casefold() in self._taken:
            name, number = f"{first}_{number}", number + 1
        self._taken.add(name.casefold())
        return f"{name}.jpg"


def _name_code_picture(file_name: str) -> str:
    """Return the name of the picture of a code beside its photo."""
    return file_name.removesuffix(".jpg") + CODE_ENDING


def make_safe(text: str) -> str:
    """Return a file name of letters, digits, Chinese, ``-`` and ``_``: never a path or a device."""
    name = UNSAFE_IN_NAME.sub("_", text) or "_"
    return f"{name}_" if RESERVED_NAME.match(name) else name


def _list_columns(naming: Naming, use: AnyUse) -> tuple[str, ...]:
    """Return the head of the manifest."""
    ends = (*(PROFILE_COLUMNS if isinstance(use, ProfileUse) else ()), *FILE_COLUMNS)
    if naming is Naming.CHSI_CODE:
        return ("序号", "文件", "图像采集码", "照片编号", *ends)
    if not naming.is_internal:
        return ("序号", "文件", "照片编号", *ends)
    by_id = ("身份证号",) if naming is Naming.ID_NUMBER else ()
    return (*INTERNAL_COLUMNS, *by_id, *ends)


def _describe_cut(use: AnyUse, row: ExportRow) -> tuple[Cell, ...]:
    """Return what a profile's manifest says of a picture: its profile and where it comes from."""
    if not isinstance(use, ProfileUse):
        return ()
    wall = f"换成{WALLS[row.derived_wall]}" if row.derived_wall else "原样"
    return (use.key, wall, row.source_sha256)


def _describe_row(naming: Naming, number: int, file_name: str, row: ExportRow) -> tuple[Cell, ...]:
    """Return the manifest's cells of one student, without size and hash."""
    if naming is Naming.CHSI_CODE:
        return (number, file_name, _name_code_picture(file_name), row.photo_number)
    if not naming.is_internal:
        return (number, file_name, row.photo_number)
    collected = to_local(row.collected_at).strftime("%Y-%m-%d %H:%M:%S")
    person = (row.student_no, row.name, row.level, row.major, row.centre, collected)
    by_id = (row.id_number,) if naming is Naming.ID_NUMBER else ()
    return (number, file_name, *person, *by_id)


def _describe_use(
    title: ExportTitle, order: ExportOrder, result: UseResult
) -> list[tuple[Cell, ...]]:
    """Return the second sheet of a manifest: what it is and how much."""
    return [
        ("院校", title.institution),
        ("照片扫描批次", title.batch),
        ("学习中心", title.centre or "全部"),
        ("用途", result.use.label),
        ("命名方式", order.naming_of(result.use).label),
        ("自", to_local(order.since).strftime("%Y-%m-%d %H:%M:%S") if order.since else "开始"),
        ("截至", to_local(order.as_of).strftime("%Y-%m-%d %H:%M:%S")),
        ("照片数", result.count),
        ("总字节数", result.size_bytes),
        ("清单.csv SHA-256", result.manifest_sha256),
    ]


def _write_summary(title: ExportTitle, order: ExportOrder, results: list[UseResult]) -> bytes:
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


def _describe_problems(problems: list[str]) -> str:
    """Return the first problems in words; each student once, whatever the number of uses."""
    distinct = list(dict.fromkeys(problems))
    shown = ";".join(distinct[:NAMED_PROBLEMS])
    more = f"；等 {len(distinct)} 张" if len(distinct) > NAMED_PROBLEMS else ""
    return f"照片缺失或损坏，没有生成导出文件：{shown}{more}"
