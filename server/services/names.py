"""Names, 学号 and typed codes as people write them: one stored form, one form to compare.

A name reaches us from registries of thirty years: through GBK (where characters that Unicode did
not have yet stand in the private use area), through spreadsheets (full width, invisible
characters, doubled spaces) and through phones (another middle dot on every keyboard).
"""

from __future__ import annotations

import re
import unicodedata

GBK_PRIVATE_FIRST = 0xE815
GBK_PRIVATE = (
    "⺁𠂇𠂉𠃌⺄㑳㑇⺈⺋龴㖞㘚㘎⺌⺗㥮㤘龵㧏㧟㩳㧐龶龷㭎㱮㳠⺧𡗗龸⺪䁖䅟⺮䌷⺳⺶⺷𢦏䎱"
    "䎬⺻䏝䓖䙡䙌龹䜣䜩䝼䞍⻊䥇䥺䥽䦂䦃䦅䦆䦟䦛䦷䦶龺𤇾䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻"
)
"""GBK FE50-FEA0, which old systems map to U+E815-U+E864 (GB 18030-2000, 2005 and 2022)."""
FROM_PRIVATE = {
    **{GBK_PRIVATE_FIRST + place: char for place, char in enumerate(GBK_PRIVATE)},
    0xE7C7: "ḿ",
    0xE7C8: "ǹ",
}
DOT = "·"
DOTS = frozenset(
    "·•・‧∙⋅․.。．･｡·◦●⦁᛫ᐧꞏ𐄁∘˙ㆍᆞ⸱⸳⸰⹁﹒▪⚫◆"
    "\u2219\u22c5\u30fb\uff65\u2022\u2027\u2024\u0387\u00b7\u2981\u25cf\u25aa\u1427\u16eb"
)
"""What keyboards and old systems give where the middle dot of a name is meant."""
MARKS = str.maketrans("", "", "'’‘‛ʼʻʹ`´′＇-‐‑‒–—―−－゠,，、丶")
"""What keyboards give for apostrophe, hyphen and comma of a name, and people leave out."""
NOUGHTS = str.maketrans("○◯", "〇〇")
"""How keyboards give the character 〇 of a name."""
RADICALS = str.maketrans(
    "⺟⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻬⻮⻰⻳",
    "母民虎西见角贝车长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾齐齿龙龟",
)
"""Radicals that stand for whole characters in text copied from a PDF (Unicode, EquivalentUnified-
Ideograph); NFKC knows those of Kangxi only."""
INVISIBLE_KINDS = frozenset({"Cf", "Cc", "Cs"})
FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
VARIATION = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f]")


def clean_text(typed: str) -> str:
    """Return text in half width, with today's characters, without invisible ones, stripped.

    Runs of any white space become one space.
    """
    shown = strip_invisible(typed.translate(FROM_PRIVATE)).translate(RADICALS)
    return " ".join(unicodedata.normalize("NFKC", shown).split())


def normalise_name(typed: str) -> str:
    """Return the stored form of a name: no space among Han characters, one middle dot."""
    dotted = clean_text("".join(DOT if char in DOTS and char != "." else char for char in typed))
    if HAN.search(dotted):
        dotted = dotted.replace(".", DOT).replace(" ", "")
    else:
        dotted = re.sub(rf" ?{DOT} ?", DOT, dotted)
    # Once more: what a removed space kept apart may combine now.
    return unicodedata.normalize("NFKC", dotted)


def fold_name(typed: str) -> str:
    """Return the form in which two names are compared: case, spaces and marks do not matter."""
    folded = normalise_name(typed).casefold().translate(MARKS).translate(NOUGHTS)
    return "".join(char for char in folded if char not in DOTS and not char.isspace())


def normalise_student_no(typed: str) -> str:
    """Return the stored form of a 学号: half width, without spaces and invisible characters."""
    return clean_text(typed).replace(" ", "")


def strip_invisible(typed: str) -> str:
    """Return text without characters that nobody sees; white space becomes plain spaces."""
    if typed.isprintable() and FILLERS.isdisjoint(typed) and not VARIATION.search(typed):
        return typed
    return "".join(_show(character) for character in VARIATION.sub("", typed))


def _show(character: str) -> str:
    """Return the character, a space for a line's end or a tab, nothing for what is invisible."""
    if character.isspace():
        return " "
    is_invisible = unicodedata.category(character) in INVISIBLE_KINDS or character in FILLERS
    return "" if is_invisible else character
