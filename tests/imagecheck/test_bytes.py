"""Compliant is a property of the file that is handed on: damage, profiles, what else it holds."""

from __future__ import annotations

import functools
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import (
    Portrait,
    draw,
    heic_bytes,
    jpeg_bytes,
    phone_photo_bytes,
    phone_portrait,
)
from imagecheck.answers import Standardised, standardise
from imagecheck.decode import UndecodableError, decode
from imagecheck.jpeg_file import JpegFile
from tests.imagecheck import files_of_phones as phones

OK = jpeg_bytes()
PICTURE = Image.open(io.BytesIO(OK)).convert("RGB")
FIELD_CASES = Path(__file__).parents[3] / "shared" / "fieldcases" / "make_photos.py"


@functools.cache
def phone_picture() -> Image.Image:
    return draw(phone_portrait()).resize((900, 1200))


def failures(data: bytes, mode: str = "final") -> set[str]:
    report = imagecheck.check(data, mode=mode)  # type: ignore[arg-type]
    return {finding.code for finding in report.findings if finding.status == "fail"}


def made(data: bytes) -> Standardised:
    done = standardise(data)
    assert done.jpeg is not None, done.finding
    return done


def difference(one: bytes, other: bytes) -> float:
    """Mean CIE76 of two JPEG files of the same size, as a reader without colour management."""
    labs = []
    for data in (one, other):
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.float32) / 255
        labs.append(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))
    return float(np.linalg.norm(labs[0] - labs[1], axis=2).mean())


def assert_clean(jpeg: bytes) -> None:
    file = JpegFile.read(jpeg)
    assert not file.has_extras
    assert (file.exif, file.xmp, file.icc) == (b"", b"", b"")
    assert file.density == (1, 300, 300)


# -- damage ---------------------------------------------------------------------------------------

DAMAGED: dict[str, bytes] = {
    "closed again at 70 %": phones.cut(OK, 0.7),
    "closed again at 97 %": phones.cut(OK, 0.97),
    "broken off at 70 %": phones.cut(OK, 0.7, b""),
    "altered": phones.alter(OK, 0.7, 1),
    "altered early": phones.alter(OK, 0.2, 3),
    "progressive closed again": phones.cut(phones.save(PICTURE, progressive=True), 0.5),
    "progressive without its last scan": phones.without_last_scan(
        phones.save(PICTURE, progressive=True)
    ),
    "png broken off": phones.save(PICTURE, "PNG")[:-9000],
    "heic broken off": heic_bytes()[:-9000],
    "webp broken off": phones.save(PICTURE, "WEBP", quality=80)[:-3000],
    "jpeg filled with zeros": phones.fill_up(OK, 0.9),
    "heic filled with zeros": phones.fill_up(heic_bytes(), 0.95),
    "heic with a lost page": phones.fill_up(heic_bytes(), 0.5, 512),
    "webp filled with zeros": phones.fill_up(phones.save(PICTURE, "WEBP", quality=80), 0.95),
    "avif with a lost page": phones.fill_up(
        phones.save(PICTURE, "AVIF", quality=80, speed=10), 0.5, 1024
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_unreadable_in_both_modes(name: str) -> None:
    assert failures(DAMAGED[name]) == {"file.unreadable"}
    assert failures(DAMAGED[name], "capture") == {"file.unreadable"}


HARMLESS: dict[str, bytes] = {
    "no end marker": OK[:-2],
    "half an end marker": OK[:-1],
    "a phone's scan parameters": phones.with_scan_parameters(OK, b"\0\0\0"),
    "fill bytes before the end": OK[:-2] + b"\xff\xff\xff\xd9",
    "junk between segments": OK[:20] + b"\0\0\0" + OK[20:],
}


@pytest.mark.parametrize("name", HARMLESS)
def test_flaw_with_every_row_there_is_no_damage(name: str) -> None:
    assert failures(HARMLESS[name]) == set()
    done = made(HARMLESS[name])
    assert_clean(done.jpeg or b"")
    assert np.array_equal(decode(done.jpeg or b"").pixels, decode(OK).pixels)


# -- what else a file holds --------------------------------------------------------------------

CARRIED: dict[str, Callable[[], bytes]] = {
    "place": lambda: phones.with_segment(OK, 0xE1, b"Exif\0\0" + phones.exif(gps=1)[6:]),
    "comment": lambda: phones.with_segment(OK, 0xFE, b"taken at home"),
    "xmp": lambda: phones.with_segment(OK, 0xE1, phones.xmp_orientation(6)),
    "photo behind it": lambda: OK + phone_photo_bytes(size=(90, 120)),
    "film behind it": lambda: OK + phones.film(),
    "archive behind it": lambda: OK + b"PK\x03\x04" + bytes(500),
    "unknown segment": lambda: phones.with_segment(OK, 0xE7, b"x" * 900),
}


@pytest.mark.parametrize("name", CARRIED)
def test_compliant_picture_loses_what_else_is_there_and_keeps_its_coded_pixels(name: str) -> None:
    data = CARRIED[name]()
    assert not failures(data)
    done = made(data)
    assert done.is_original
    assert_clean(done.jpeg or b"")
    start = phones.scan_start(OK)
    assert (done.jpeg or b"")[phones.scan_start(done.jpeg or b"") :] == OK[start:]


def test_density_that_only_exif_tells_is_kept() -> None:
    block = Image.Exif()
    block[0x011A], block[0x011B], block[0x0128] = 300.0, 300.0, 2
    data = phones.with_segment(OK, 0xE1, b"Exif\0\0" + block.tobytes()[6:])
    at = data.index(b"JFIF\0")
    data = data[: at + 7] + b"\0\0\1\0\1" + data[at + 12 :]
    done = made(data)
    assert done.is_original
    assert_clean(done.jpeg or b"")


def test_motion_photo_counts_its_picture_only() -> None:
    data = phones.save(phone_picture(), quality=90) + phones.film(3_000_000)
    assert not [code for code in failures(data, "capture") if code.startswith("file.")]
    assert_clean(made(data).jpeg or b"")


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_photo_that_is_only_marked_to_be_upright_is_made_anew(orientation: int) -> None:
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
            8: Image.Transpose.ROTATE_270}[orientation]  # fmt: skip
    data = phones.save(PICTURE.transpose(turn), exif=phones.exif(orientation=orientation))
    assert "file.mirrored" in failures(data)
    done = made(data)
    assert not done.is_original
    assert_clean(done.jpeg or b"")
    assert not failures(done.jpeg or b"")


# -- colours ----------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [phones.DISPLAY_P3, phones.ADOBE_RGB], ids=["P3", "Adobe"])
def test_foreign_profile_is_left_for_srgb(profile: bytes) -> None:
    data = phones.save(phones.in_profile(PICTURE, profile), icc_profile=profile)
    assert failures(data) == {"file.colour_mode"}
    done = made(data)
    assert not done.is_original
    assert difference(done.jpeg or b"", OK) < 1.5
    assert_clean(done.jpeg or b"")


def test_srgb_under_another_name_is_no_foreign_profile() -> None:
    profile = phones.icc_profile("a phone's sRGB", phones.SRGB_PRIMARIES, phones.SRGB_CURVE)
    done = made(phones.save(PICTURE, icc_profile=profile))
    assert done.is_original
    assert_clean(done.jpeg or b"")


def test_png_and_heif_colours_are_brought_to_srgb() -> None:
    p3 = phones.in_profile(PICTURE, phones.DISPLAY_P3)
    for data in (phones.save(p3, "PNG", icc_profile=phones.DISPLAY_P3), phones.linear_png(PICTURE)):
        away = decode(data).pixels.astype(int) - np.asarray(PICTURE)
        assert np.abs(away).mean() < 1.5
    truth = np.asarray(draw(phone_portrait()).resize((720, 960)), int)
    assert np.abs(decode(heic_bytes()).pixels - truth).mean() < 4


@pytest.mark.parametrize(
    "name", ["HEIC", "AVIF", "WEBP", "PNG", "CMYK", "CMYK without Adobe's mark", "palette"]
)
def test_whatever_the_camera_writes_is_welcome_in_capture(name: str) -> None:
    data = {
        "HEIC": heic_bytes,
        "AVIF": lambda: phones.save(phone_picture(), "AVIF", quality=80, speed=10),
        "WEBP": lambda: phones.save(phone_picture(), "WEBP", quality=90, method=0),
        "PNG": lambda: phones.save(phone_picture(), "PNG", compress_level=1),
        "CMYK": lambda: phones.save(phone_picture().convert("CMYK"), quality=92),
        "CMYK without Adobe's mark": lambda: phones.without_segment(
            phones.save(phone_picture().convert("CMYK"), quality=92), 0xEE
        ),
        "palette": lambda: phones.save(phone_picture().quantize(256), "PNG", compress_level=1),
    }[name]()
    assert not [code for code in failures(data, "capture") if code.startswith("file.")]
    assert_clean(made(data).jpeg or b"")
    assert failures(data) >= {"file.dimensions"}


def test_heic_that_its_container_turns_stands_upright() -> None:
    upright, lying = decode(heic_bytes()).pixels, decode(phones.turned_heic(heic_bytes(), 1)).pixels
    assert np.array_equal(lying, np.rot90(upright))


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_lying_picture_is_turned_and_says_so(quarter: int) -> None:
    lying = Image.fromarray(np.rot90(np.asarray(phone_picture()), quarter))
    found = imagecheck.examine(phones.save(lying, quality=92))
    assert [change.code for change in found.report.changes] == ["turned"]
    assert found.report.changes[0].value == str(360 - 90 * quarter)
    assert found.standard_jpeg is not None
    upright = imagecheck.examine(phones.save(phone_picture(), quality=92)).standard_jpeg
    assert difference(found.standard_jpeg, upright or b"") < 2
    assert "face.upside_down" in failures(phones.save(lying, quality=92))


# -- bounds -----------------------------------------------------------------------------------


def test_bounds_are_told_apart() -> None:
    flat = Image.new("RGB", (64, 64))
    heif = heic_bytes()
    at = heif.index(b"ispe")
    huge = heif[: at + 8] + (9000).to_bytes(4, "big") * 2 + heif[at + 16 :]
    for data, cause in {
        b"": "empty",
        b"hello": "no_picture",
        phones.save(Image.new("RGB", (8000, 8100)), quality=30): "too_many_pixels",
        huge: "too_many_pixels_here",
        phones.save(Image.new("RGB", (31000, 4))): "too_long",
        phones.save(flat, "GIF"): "format",
        phones.save(flat, "ICO"): "format",
        b'<?xml version="1.0"?><svg></svg>': "format",
        b"8BPS\0\1" + bytes(99): "format",
        b"%PDF-1.7": "pdf",
        b"\0\0\0\x18ftypisom" + bytes(99): "video",
        b"RIFF\0\0\0\0AVI " + bytes(99): "video",
        b"\0\0\0\x18ftypcrx " + bytes(99): "raw",
        b"II*\0\x08\0\0\0\1\0\x12\xc6" + bytes(99): "raw",
        b"MM\0*\0\0\0\x08\0\1\xc6\x12" + bytes(99): "raw",
        b"PK\3\4" + bytes(26) + b"[Content_Types].xml": "document",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "document",
        b"PK\3\4" + bytes(26) + b"photos/1.jpg": "archive",
        b"Rar!\x1a\7": "archive",
        b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>": "web_page",
        phones.with_frame(OK, 0xC0, 12): "odd_jpeg",
        phones.with_frame(OK, 0xC3, 8): "odd_jpeg",
        phones.with_frame(OK, 0xF7, 8): "odd_jpeg",
        phones.png_head(60_000, 60_000): "too_many_pixels",
        phones.png_head(8000, 8001): "too_many_pixels",
    }.items():
        with pytest.raises(UndecodableError) as caught:
            decode(data)
        assert caught.value.cause == cause


def test_field_cases_end_as_expected(tmp_path: Path) -> None:
    if not FIELD_CASES.is_file():
        pytest.skip(f"no field cases at {FIELD_CASES}")
    (tmp_path / "ok.jpg").write_bytes(OK)
    (tmp_path / "phone.jpg").write_bytes(phone_photo_bytes(phone_portrait(), size=(1500, 2000)))
    how = ["--compliant", tmp_path / "ok.jpg", "--capture", tmp_path / "phone.jpg"]
    subprocess.run(
        [sys.executable, FIELD_CASES, *how, "--out", tmp_path / "out"], check=True, timeout=120
    )
    for name, right in json.loads((tmp_path / "out" / "expected.json").read_text()).items():
        data = (tmp_path / "out" / name).read_bytes()
        for mode in {"final", "capture"} & set(right):
            found = {code for code in failures(data, mode) if code.startswith("file.")}
            if right[mode] == "unreadable":
                assert found == {"file.unreadable"}, (name, mode)
            elif right[mode] == "judged":
                assert not found, (name, mode)
            else:
                assert standardise(data).jpeg != data, name
        if right.get("clean"):
            assert_clean(made(data).jpeg or b"")
        if "like" in right:
            other = (tmp_path / "out" / right["like"]).read_bytes()
            assert difference(made(data).jpeg or b"", made(other).jpeg or b"") < 1.5
        if right.get("upright"):
            assert not failures(made(data).jpeg or b"")


def test_xmp_orientation_is_ignored() -> None:
    data = phones.with_segment(OK, 0xE1, phones.xmp_orientation(6))
    assert decode(data).pixels.shape == (640, 480, 3)
    assert imagecheck.check(jpeg_bytes(Portrait())).verdict == "pass"
