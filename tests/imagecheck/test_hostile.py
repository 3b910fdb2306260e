"""Whatever the bytes are: a report with a finding, soon, in little memory, no traceback."""

from __future__ import annotations

import functools
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import Portrait, draw, encode, jpeg_bytes, phone_photo_bytes
from imagecheck.isolated import Checker
from imagecheck.report import Report

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "15")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
"""Few and always the same in the suite; ``FUZZ_EXAMPLES=5000`` for a night."""

GENEROUS_S = 60.0
"""A hang, not a slow machine, takes longer; the processor limit of the child is 1.8 s."""


@functools.cache
def small() -> bytes:
    return encode(draw(Portrait()).resize((120, 160)), 80)


@functools.cache
def seeds() -> tuple[bytes, ...]:
    png = save(draw(Portrait()).resize((120, 160)), "PNG")
    return small(), png, phone_photo_bytes(size=(240, 320), orientation=6)


SEEDS = st.deferred(lambda: st.sampled_from(seeds()))
"""Made when they are needed: every worker imports this file, one runs it."""


def judge(data: bytes) -> Report:
    """Both modes, and a report that can be written as JSON."""
    captured = imagecheck.check(data, mode="capture")
    report = imagecheck.check(data)
    for told in (captured, report):
        json.dumps(told.to_dict("x"), ensure_ascii=False, allow_nan=False)
        assert told.verdict in ("pass", "warn", "fail")
        assert (told.verdict == "pass") is (told.findings == ())
    return report


@FUZZ
@given(SEEDS, st.data())
def test_flipped_bits_give_a_report(seed: bytes, data: st.DataObject) -> None:
    broken = bytearray(seed)
    places = st.integers(0, len(seed) - 1)
    for at in data.draw(st.lists(places, min_size=1, max_size=12)):
        broken[at] ^= 1 << data.draw(st.integers(0, 7))
    judge(bytes(broken))


@FUZZ
@given(SEEDS, st.data())
def test_a_file_cut_at_any_byte_is_unreadable(seed: bytes, data: st.DataObject) -> None:
    report = judge(seed[: data.draw(st.integers(0, len(seed) - 14))])
    assert [f.code for f in report.findings] == ["file.unreadable"]


@FUZZ
@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"]))
def test_noise_is_no_photo(noise: bytes, start: bytes) -> None:
    codes = {f.code for f in judge(start + noise).findings}
    assert codes <= {"file.unreadable", "file.format"}
    assert codes


@FUZZ
@given(SEEDS, st.binary(min_size=1, max_size=60), st.data())
def test_inserted_bytes_give_a_report(seed: bytes, noise: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(seed)))
    judge(seed[:at] + noise + seed[at:])


# -- files made to harm -----------------------------------------------------------------------


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_png(width: int, height: int, body: bytes, *chunks: bytes, depth: int = 8) -> bytes:
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks)
        + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")
    )  # fmt: skip


def claim_size(data: bytes, width: int, height: int) -> bytes:
    """The JPEG with other dimensions in its frame header."""
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def with_segment(data: bytes, marker: int, body: bytes, times: int = 1) -> bytes:
    segment = bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body
    return data[:2] + segment * times + data[2:]


def save(picture: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def animated(form: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), (n * 20, 0, 0)) for n in range(8)]
    return save(frames[0], form, save_all=True, append_images=frames[1:])


def flat(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size)


def many_scans() -> bytes:
    """A progressive JPEG whose scans are repeated two thousand times: each costs a pass."""
    data = save(flat((2048, 2048)), "JPEG", progressive=True, quality=50)
    first = data.index(b"\xff\xda")
    scans = data[first:-2]
    return data[:first] + scans * 2000 + b"\xff\xd9"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one pixel": lambda: save(flat((1, 1)), "JPEG"),
    "one row": lambda: save(flat((5000, 1)), "JPEG"),
    "one column": lambda: save(flat((1, 5000)), "PNG"),
    "64 megapixels": lambda: save(flat((8000, 8000)), "JPEG", quality=30),
    "65 megapixels": lambda: save(flat((8000, 8100)), "JPEG", quality=30),
    "64 megapixels of png": lambda: save(flat((8000, 8000)), "PNG", compress_level=1),
    "claims 65500 x 65500": lambda: claim_size(small(), 65500, 65500),
    "claims no size": lambda: claim_size(small(), 0, 0),
    "png claims 2 gigapixels": lambda: make_png(2**31 - 1, 1, b""),
    "deflate bomb as pixels": lambda: make_png(480, 640, zlib.compress(bytes(200_000_000), 9)),
    "deflate bomb as text": lambda: make_png(
        8, 8, zlib.compress(bytes(200)), png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8)))
    ),
    "deflate bomb as profile": lambda: make_png(
        8, 8, zlib.compress(bytes(200)), png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**8)))
    ),
    "thousands of scans": many_scans,
    "12000 comments": lambda: with_segment(small(), 0xFE, b"x" * 600, 12000),
    "huge exif": lambda: with_segment(
        small(), 0xE1, b"Exif\0\0II*\0\x08\0\0\0" + b"\xff" * 65000, 60
    ),
    "huge xmp": lambda: with_segment(
        small(), 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<CreatorTool>" * 5000
    ),
    "huge icc": lambda: with_segment(small(), 0xE2, b"ICC_PROFILE\0\x01\xff" + b"\0" * 65000, 90),
    "exif pointing at itself": lambda: with_segment(
        small(), 0xE1, b"Exif\0\0II*\0\x08\0\0\0" + b"\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" * 9
    ),
    "cmyk": lambda: save(draw(Portrait()).convert("CMYK"), "JPEG"),
    "16 bit grey": lambda: save(flat((480, 640), "I;16"), "PNG"),
    "16 bit colour": lambda: make_png(
        480, 640, zlib.compress(bytes((480 * 6 + 1) * 640)), depth=16
    ),
    "palette with transparency": lambda: save(flat((480, 640), "P"), "PNG", transparency=0),
    "bilevel": lambda: save(flat((480, 640), "1"), "PNG"),
    "animated png": lambda: animated("PNG"),
    "animated webp": lambda: animated("WEBP"),
    "animated gif": lambda: animated("GIF"),
    "tiff": lambda: save(flat((64, 64)), "TIFF"),
    "heic": lambda: b"\0\0\0\x18ftypheic\0\0\0\0" + bytes(400),
    "avif": lambda: b"\0\0\0\x18ftypavif\0\0\0\0" + bytes(400),
    "video": lambda: b"\0\0\0\x18ftypisom\0\0\0\0" + bytes(400),
    "pdf": lambda: b"%PDF-1.7\n" + small(),
    "script": lambda: b"<?php system($_GET[0]); ?>" + small(),
    "svg with entities": lambda: b'<!DOCTYPE x [<!ENTITY a "aaaa">]><svg>&a;</svg>',
    "zip behind a photo": lambda: small() + b"PK\x03\x04" + bytes(500),
    "script behind a photo": lambda: small() + b"<script>alert(1)</script>",
    "two photos (MPO)": lambda: save(
        flat((640, 640)), "MPO", save_all=True, append_images=[flat((9, 9))]
    ),
    "named pipe of nulls": lambda: bytes(5_000_000),
}


@functools.cache
def make_hostile(name: str) -> bytes:
    return HOSTILE[name]()


DECODABLE = {
    "one pixel", "one row", "one column", "64 megapixels", "12000 comments", "huge exif",
    "huge xmp", "huge icc", "exif pointing at itself", "cmyk", "16 bit grey", "16 bit colour",
    "palette with transparency", "bilevel", "animated png", "deflate bomb as pixels",
    "zip behind a photo", "script behind a photo", "two photos (MPO)", "64 megapixels of png",
    "animated webp",
}  # fmt: skip
"""Odd, but pictures: they are judged like others. All the rest is refused."""


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    # the promise is processor time, which the child itself bounds; the clock runs on while others
    # use the cores
    with Checker(timeout_s=GENEROUS_S) as made:
        made.warm_up()
        yield made


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_gets_a_finding_from_the_isolated_checker(checker: Checker, name: str) -> None:
    photo = checker.examine(make_hostile(name), mode="final")
    codes = {finding["code"] for finding in photo.report["findings"]}
    assert codes
    assert not photo.report["unfinished"]
    assert photo.report["verdict"] in ("warn", "fail")
    if name not in DECODABLE:
        assert codes in ({"file.unreadable"}, {"file.format"})
    assert checker.examine(jpeg_bytes(), mode="final").report["verdict"] == "pass"


def test_command_survives_all_of_them_in_bounded_memory(tmp_path: Path) -> None:
    files = []
    for number, name in enumerate(HOSTILE):
        files.append(tmp_path / f"{number:02d}.jpg")
        files[-1].write_bytes(make_hostile(name))
    # VmHWM and not ru_maxrss: the latter begins with the size of the process that forked us.
    code = (
        "import sys, imagecheck.__main__ as command; status = command.main(sys.argv[1:]);"
        "lines = open('/proc/self/status').read().splitlines();"
        "peak = next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'));"
        "print(peak // 1024, file=sys.stderr); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "--json", *map(str, files)],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(row["file"]).name for row in told] == [file.name for file in files]
    assert all(row["findings"] for row in told)
    assert int(done.stderr.split()[-1]) < 700
