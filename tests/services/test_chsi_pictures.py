"""A picture of a code is read as students send it, and drawn again as it was."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from server.services.chsi.draw import draw_png
from server.services.chsi.read_picture import ManyCodesSeen, NoCodeSeen, read_code
from server.services.chsi.symbol import AUTO, Symbol, SymbolWrong
from server.services.chsi_due import read_graduation
from tests.chsi_codes import draw, look, make_text, pack


def find_modules(picture: bytes) -> np.ndarray:
    return np.array(zxingcpp.write_barcode_to_image(look(picture), scale=1))


@pytest.mark.parametrize(("level", "length"), [("L", 600), ("M", 600), ("Q", 80)])
def test_picture_is_drawn_again_module_by_module(level: str, length: int) -> None:
    code = make_text(length)
    shot = pack(draw(code, ec_level=level, data_mask=5))
    found = read_code(shot)
    assert found.text == code
    again = draw_png(found.symbol)
    seen = look(again)
    assert (seen.text, seen.ec_level, seen.extra["DataMask"]) == (code, level, 5)
    assert (find_modules(shot) == find_modules(again)).all()


def test_packing_that_is_not_the_shortest_is_kept() -> None:
    """Capitals and digits fit into less; whoever packed them as bytes gets them back as bytes."""
    code = "A1B2" * 60
    symbol = Symbol(code.encode(), "byte", "M", 17, 3)
    shot = draw_png(symbol)
    assert read_code(shot).symbol == symbol
    assert (find_modules(draw_png(read_code(shot).symbol)) == find_modules(shot)).all()


@pytest.mark.parametrize("quality", [20, 35, 60])
def test_picture_from_a_chat_program_is_read(quality: int) -> None:
    """Scaled to a phone's width, within a page, and compressed."""
    code = make_text()
    page = Image.new("L", (1080, 2000), 245)
    page.paste(draw(code, ec_level="M").resize((700, 700)), (190, 500))
    assert read_code(pack(page, "JPEG", quality=quality)).text == code


def test_two_codes_in_one_picture_are_not_guessed_about() -> None:
    page = Image.new("L", (1200, 600), 255)
    for place in range(2):
        page.paste(draw(make_text(60)), (place * 600 + 50, 100))
    with pytest.raises(ManyCodesSeen):
        read_code(pack(page))


def test_picture_without_a_code_has_none() -> None:
    with pytest.raises(NoCodeSeen):
        read_code(pack(Image.new("L", (300, 300), 255)))


@pytest.mark.parametrize("raw", ["码".encode() * 40, bytes(range(256))], ids=["utf-8", "binary"])
def test_bytes_come_back_whatever_they_are(raw: bytes) -> None:
    mode = AUTO if raw[:1] == "码".encode()[:1] else "byte"
    assert look(draw_png(Symbol(raw, mode, "M"))).bytes == raw
    assert read_code(draw_png(Symbol(raw, mode, "M"))).symbol.raw == raw


def test_bytes_that_do_not_fit_their_form_are_refused() -> None:
    with pytest.raises(SymbolWrong):
        draw_png(Symbol(b"a" * 600, "byte", "H", 5, 0))


@pytest.mark.parametrize(
    ("term", "first_day"),
    [
        ("2027-07", dt.date(2027, 7, 1)),
        ("2027 春", dt.date(2027, 1, 1)),
        ("2027年秋季", dt.date(2027, 7, 1)),
        ("202712", dt.date(2027, 12, 1)),
        ("2027", dt.date(2027, 1, 1)),
        ("二〇二七", None),
        ("", None),
    ],
)
def test_graduation_is_read_as_rosters_write_it(term: str, first_day: dt.date | None) -> None:
    assert read_graduation(term) == first_day
