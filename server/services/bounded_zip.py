"""A zip from outside, read within bounds: nothing is unpacked to a folder, nothing is trusted.

A zip that tries something (a path that leads out, a link, a password, a bomb) is refused whole:
it is no honest mistake. Names come in UTF-8 or in GBK, as Windows in China writes them.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from server.errors import CaijiError

_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_LONGEST_COMMENT = 0xFFFF
_DIRECTORY_ROW_BYTES = 46 + 512
"""Of one entry in the directory: its fixed part, and as much as names and extras may take."""
_IS_UTF8, _IS_LOCKED = 0x800, 0x1
_MOST_RATIO = 200
"""Deflate reaches 1,032; photos are packed to nothing less than a tenth."""
_PLAIN_RATIO_BYTES = 1024 * 1024
"""Smaller entries may be packed as well as they like."""
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class ZipRefused(CaijiError):
    """It is no zip, or one that we do not read; the message says why."""

    code = "zip_refused"
    status = 422
    message = "zip 文件打不开，请重新压缩后再上传"


@dataclass(frozen=True)
class Entry:
    """One file of a zip.

    Attributes:
        name: its last part, readable.
        size: in bytes, as the directory says.
    """

    name: str
    size: int
    _archive: zipfile.ZipFile
    _info: zipfile.ZipInfo

    def read(self, most: int) -> bytes:
        """Return the content, at most so many bytes; raises ZipRefused where it is damaged."""
        try:
            with self._archive.open(self._info) as member:
                return member.read(most)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise ZipRefused(f"zip 里的文件 {self.name[:60]} 已损坏，请重新压缩后再上传") from error


def open_zip(file: IO[bytes], *, most_files: int, most_bytes: int) -> list[Entry]:
    """Return the files of a zip; folders and what systems hide in it are passed over.

    Args:
        file: seekable; its owner closes it when the entries are read.
        most_files: that it may hold.
        most_bytes: that all of them may hold together, unpacked.

    Raises:
        ZipRefused.
    """
    _refuse_long_directory(file, most_files)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise ZipRefused from error
    infos = archive.infolist()
    for info in infos:
        _refuse_hostile(info)
    if len(infos) > most_files or sum(info.file_size for info in infos) > most_bytes:
        raise ZipRefused(_say_too_much(most_files, most_bytes))
    entries = []
    for info in infos:
        path = PurePosixPath(_read_path(info))
        is_hidden = path.name.startswith(".") or "__MACOSX" in path.parts
        if not info.is_dir() and not is_hidden:
            entries.append(Entry(path.name, info.file_size, archive, info))
    return entries


def _refuse_long_directory(file: IO[bytes], most_files: int) -> None:
    """Look at the end of the file before anybody reads millions of entries into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _LONGEST_COMMENT - _END.size))
    tail = _read_all(file)
    place = tail.rfind(_END_MARK)
    if place < 0 or len(tail) - place < _END.size:
        raise ZipRefused
    _, _, _, _, count, directory_bytes, _, _ = _END.unpack_from(tail, place)
    if count > most_files or directory_bytes > most_files * _DIRECTORY_ROW_BYTES:
        raise ZipRefused(f"zip 里的文件太多，一次最多 {most_files} 个")
    file.seek(0)


def _read_all(file: IO[bytes]) -> bytes:
    parts = []
    while part := file.read(_LONGEST_COMMENT):
        parts.append(part)
    return b"".join(parts)


def _say_too_much(most_files: int, most_bytes: int) -> str:
    mb = most_bytes // (1024 * 1024)
    return f"zip 里的内容太多，一次最多 {most_files} 个文件，解开后共 {mb} MB"


def _refuse_hostile(info: zipfile.ZipInfo) -> None:
    path = _read_path(info)
    parts = PurePosixPath(path).parts
    kind = stat.S_IFMT(info.external_attr >> 16)
    if path.startswith("/") or ".." in parts or (parts and parts[0].endswith(":")):
        raise ZipRefused("zip 里有指向文件夹以外的路径，没有读取")
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise ZipRefused("zip 里有链接或特殊文件，没有读取")
    if info.flag_bits & _IS_LOCKED:
        raise ZipRefused("zip 有密码，请去掉密码后再上传")
    if info.compress_type not in _METHODS:
        raise ZipRefused("zip 的压缩方式不支持，请用系统自带的压缩重新打包")
    ratio = info.file_size / max(info.compress_size, 1)
    if info.file_size > _PLAIN_RATIO_BYTES and ratio > _MOST_RATIO:
        raise ZipRefused("zip 解开后大得不正常，没有读取")


def _read_path(info: zipfile.ZipInfo) -> str:
    """The path with slashes; zipfile took GBK for the letters of DOS."""
    name = info.filename
    if not info.flag_bits & _IS_UTF8:
        raw = name.encode("cp437", "replace")
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")
