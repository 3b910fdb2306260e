"""A zip from outside: what is honest is read whatever its names are written in, a trick is not."""

from __future__ import annotations

import io
import stat
import struct
import zipfile

import pytest

from server.services.bounded_zip import ZipRefused, open_zip

MOST_BYTES = 4 * 1024 * 1024


def pack(*files: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def read(data: bytes, most_files: int = 10) -> dict[str, bytes]:
    entries = open_zip(io.BytesIO(data), most_files=most_files, most_bytes=MOST_BYTES)
    return {entry.name: entry.read(MOST_BYTES) for entry in entries}


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def lock(data: bytes) -> bytes:
    """Say in both headers that the entries are encrypted."""
    out = bytearray(data)
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(mark)
        while at >= 0:
            out[at + place] |= 1
            at = out.find(mark, at + 4)
    return bytes(out)


def in_gbk(name: str) -> bytes:
    """A zip as Windows in China writes it: GBK bytes, and no flag that tells."""
    stand_in = "x" * len(name.encode("gbk"))
    return pack((stand_in, b"1")).replace(stand_in.encode(), name.encode("gbk"))


def test_honest_files_are_read_and_what_systems_hide_is_passed_over() -> None:
    data = pack(
        ("照片/20200001.jpg", b"1"),
        ("照片/", b""),
        ("__MACOSX/照片/._20200001.jpg", b"x"),
        (".DS_Store", b"x"),
    )
    assert read(data) == {"20200001.jpg": b"1"}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("录取照片/张伟.jpg", "张伟.jpg"),
        ("录取照片\\20200001.jpg", "20200001.jpg"),
        # the second byte of 乗 is a backslash in GBK
        ("乗/乗.jpg", "乗.jpg"),
    ],
)
def test_names_in_gbk_are_read(path: str, name: str) -> None:
    assert list(read(in_gbk(path))) == [name]


@pytest.mark.parametrize(
    ("trick", "why"),
    [
        pytest.param(pack(("../../etc/passwd", b"x")), "以外的路径", id="up"),
        pytest.param(pack(("..\\..\\a.jpg", b"x")), "以外的路径", id="up by backslashes"),
        pytest.param(pack(("/etc/passwd", b"x")), "以外的路径", id="root"),
        pytest.param(pack(("C:\\a.jpg", b"x")), "以外的路径", id="drive"),
        pytest.param(pack((link("a.jpg"), b"/etc/passwd")), "链接", id="link"),
        pytest.param(lock(pack(("a.jpg", b"x"))), "密码", id="password"),
        pytest.param(pack(("a.jpg", bytes(3 * 1024 * 1024))), "不正常", id="bomb"),
        pytest.param(pack(("a.jpg", b"x"), method=zipfile.ZIP_LZMA), "压缩方式", id="method"),
        pytest.param(pack(*((f"{n}.jpg", b"x") for n in range(11))), "太多", id="files"),
        pytest.param(pack(*((f"{n}.jpg", bytes(999_999)) for n in range(9))), "太多", id="bytes"),
        pytest.param(b"Rar!\x1a\x07\x00" + bytes(100), "打不开", id="another archive"),
        pytest.param(b"", "打不开", id="nothing"),
        pytest.param(pack(("a.jpg", b"x" * 100))[:-30], "打不开", id="cut off"),
    ],
)
def test_tricks_are_refused_whole(trick: bytes, why: str) -> None:
    with pytest.raises(ZipRefused, match=why):
        read(trick)


def test_millions_of_entries_are_refused_before_they_are_read() -> None:
    data = bytearray(pack(("a.jpg", b"x")))
    at = data.rfind(b"PK\x05\x06")
    struct.pack_into("<L", data, at + 12, 0x7FFFFFFF)
    with pytest.raises(ZipRefused, match="太多"):
        read(bytes(data))


def test_entry_that_holds_more_than_it_says_is_damaged() -> None:
    data = bytearray(pack(("a.jpg", b"x" * 1000)))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", data, data.find(mark) + place, 10)
    with pytest.raises(ZipRefused, match="已损坏"):
        read(bytes(data))
