"""What the rules say about the file, whatever it shows."""

from __future__ import annotations

import io

import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import Portrait, draw, jpeg_bytes, phone_photo_bytes, phone_portrait
from imagecheck.report import Mode

SOFTWARE_TAG, ORIENTATION_TAG = 0x0131, 0x0112


def statuses(data: bytes, mode: Mode = "final") -> dict[str, str]:
    return {f.code: f.status for f in imagecheck.check(data, mode=mode).findings}


def save(
    *,
    picture: Image.Image | None = None,
    form: str = "JPEG",
    quality: int = 85,
    dpi: tuple[int, int] | None = (300, 300),
    exif: dict[int, object] | None = None,
) -> bytes:
    out = io.BytesIO()
    tags = Image.Exif()
    tags.update(exif or {})
    extra = {} if dpi is None else {"dpi": dpi}
    (picture or draw(Portrait())).save(out, form, quality=quality, exif=tags, **extra)
    return out.getvalue()


def test_compliant_file_has_no_finding_about_the_file() -> None:
    assert not [code for code in statuses(jpeg_bytes()) if code.startswith("file.")]


@pytest.mark.parametrize("size", [(479, 640), (480, 639), (640, 480), (960, 1280), (240, 320)])
def test_other_dimensions_fail(size: tuple[int, int]) -> None:
    data = save(picture=draw(Portrait()).resize(size))
    report = imagecheck.check(data)
    finding = next(f for f in report.findings if f.code == "file.dimensions")
    assert (finding.status, finding.value) == ("fail", f"{size[0]}x{size[1]}")
    assert finding.limit == "480x640"


def test_stored_dimensions_count_and_not_those_that_a_viewer_shows() -> None:
    lying = draw(Portrait()).transpose(Image.Transpose.ROTATE_90)
    assert statuses(save(picture=lying, exif={ORIENTATION_TAG: 6}))["file.dimensions"] == "fail"


@pytest.mark.parametrize(
    ("dpi", "status"), [((72, 72), "fail"), ((300, 72), "fail"), ((600, 600), "fail")]
)
def test_other_density_fails(dpi: tuple[int, int], status: str) -> None:
    assert statuses(save(dpi=dpi))["file.resolution"] == status


def test_missing_density_asks_for_a_look() -> None:
    data = bytearray(save())
    at = data.index(b"JFIF\0")
    data[at + 7 : at + 12] = bytes([0, 0, 1, 0, 1])
    assert statuses(bytes(data))["file.resolution"] == "warn"


def test_density_in_centimetres_is_understood() -> None:
    data = bytearray(save())
    at = data.index(b"JFIF\0")
    data[at + 7] = 2
    data[at + 8 : at + 12] = (118).to_bytes(2, "big") * 2
    assert "file.resolution" not in statuses(bytes(data))


@pytest.mark.parametrize(("quality", "fails"), [(20, True), (55, True), (60, False), (90, False)])
def test_compression_below_quality_60_fails(quality: int, fails: bool) -> None:  # noqa: FBT001
    assert ("file.quality" in statuses(save(quality=quality))) is fails


def test_quality_is_told_within_one_step() -> None:
    for quality in range(10, 100, 9):
        value = imagecheck.check(save(quality=quality)).measurements["file_quality"]
        assert value == pytest.approx(quality, abs=1)


@pytest.mark.parametrize(("quality", "grain"), [(99, 4.0), (62, 0.0)])
def test_size_outside_20_to_40_kb_asks_for_a_look(quality: int, grain: float) -> None:
    data = save(picture=draw(Portrait(grain=grain)), quality=quality)
    assert not 20 * 1024 <= len(data) <= 40 * 1024
    assert statuses(data)["file.size"] == "warn"


@pytest.mark.parametrize("orientation", [2, 4, 5, 7])
def test_mirroring_orientation_fails(orientation: int) -> None:
    assert statuses(save(exif={ORIENTATION_TAG: orientation}))["file.mirrored"] == "fail"


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_turning_orientation_fails_a_finished_photo_only(orientation: int) -> None:
    data = save(exif={ORIENTATION_TAG: orientation})
    assert statuses(data)["file.mirrored"] == "fail"
    assert "file.mirrored" not in statuses(data, "capture")


@pytest.mark.parametrize(
    "software", ["Adobe Photoshop 25.0 (Windows)", "Meitu XiuXiu 7.3", "美图秀秀", "GIMP 2.10.36"]
)
def test_editor_in_the_metadata_asks_for_a_look(software: str) -> None:
    assert statuses(save(exif={SOFTWARE_TAG: software.encode()}))["file.edited"] == "warn"


@pytest.mark.parametrize("software", ["HUAWEI P60", "17.4.1", "Canon EOS 80D Firmware 1.0.3"])
def test_firmware_of_a_camera_is_no_editor(software: str) -> None:
    assert "file.edited" not in statuses(save(exif={SOFTWARE_TAG: software}))


def test_editor_in_xmp_asks_for_a_look() -> None:
    xmp = b'<x:xmpmeta><rdf:Description xmp:CreatorTool="Adobe Lightroom 13"/></x:xmpmeta>'
    out = io.BytesIO()
    draw(Portrait()).save(out, "JPEG", dpi=(300, 300), xmp=xmp)
    assert statuses(out.getvalue())["file.edited"] == "warn"


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_print_colours_fail(mode: str) -> None:
    data = save(picture=draw(Portrait()).convert(mode))
    assert statuses(data)["file.colour_mode"] == "fail"


@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF", "BMP", "GIF", "TIFF"])
def test_other_formats_fail_and_are_named(form: str) -> None:
    out = io.BytesIO()
    draw(Portrait()).save(out, form)
    finding = imagecheck.check(out.getvalue()).findings[0]
    assert (finding.code, finding.status, finding.value) == ("file.format", "fail", form)


def test_png_of_a_phone_is_welcome_in_capture_mode() -> None:
    out = io.BytesIO()
    draw(phone_portrait()).convert("RGBA").save(out, "PNG")
    assert not [c for c in statuses(out.getvalue(), "capture") if c.startswith("file.")]


def test_size_and_density_are_not_the_students_fault_in_capture_mode() -> None:
    found = statuses(phone_photo_bytes(size=(1500, 2000)), "capture")
    assert not [code for code in found if code.startswith(("file.", "geometry."))]
