"""Passwords that are tried first: walks on the keyboard, dates, well-known words, names at hand.

What is easily guessed counts as one character, however long it is; a password must hold enough
beside it. Pinyin counts by the syllable, because colleges' staff think in it.
"""

from __future__ import annotations

import re

KEYS = ("1234567890-=", "qwertyuiop[]\\", "asdfghjkl;'", "zxcvbnm,./")
PAD = ("789", "456", "123", "0")
SHIFTED = str.maketrans('!@#$%^&*()_+{}|:"<>?', "1234567890-=[]\\;',./")
LOOKALIKE = str.maketrans("@430$5!1", "aaeossii")
WALK = 3
"""So many keys, each beside the one before it, count as one character."""
WORDS = re.compile(
    r"password|passwd|admin|letmein|welcome|iloveyou|root|test|user|guest|master|monkey|dragon|"
    r"football|sunshine|princess|hello|love|china|student|teacher|school|college|university|photo|"
    r"caiji|mima|woaini|5201314|1314|520|qq|wx|guanliyuan|abc|aa"
)
DATE = re.compile(
    r"(?:19|20)\d\d[-./]?(?:0?[1-9]|1[0-2])[-./]?(?:[0-2]?\d|3[01])|(?:19|20)\d\d(?:0[1-9]|1[0-2])?"
)
SYLLABLE = re.compile(
    r"(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?"
    r"(?:iang|iong|uang|[aei]ng|ong|ian|iao|uai|uan|ai|ei|ui|ao|ou|iu|ie|ue|er|[aeiu]n|ia|ua|uo|[aoeiuv])"
)
LEAST_LEFT = 5
"""Characters that must be left when each thing that is easily guessed counts as one."""


def is_guessable(password: str, *names: str) -> bool:
    """Tell whether a password holds little beside what is tried first.

    ``names``: of the account, the person and the institution, whole or in parts.
    """
    rest = password.casefold()
    if re.sub(r"\D", "", rest) == re.sub(r"\s", "", rest):
        return True  # birthdays, phone numbers, ID numbers
    for name in names:
        rest = _take_out(rest, name.casefold())
    return len(_find_units(rest)) < LEAST_LEFT


def _take_out(text: str, name: str) -> str:
    """Return the text without the longest parts of a name: two Han characters, four others."""
    least = 4 if name.isascii() else 2
    for length in range(len(name), least - 1, -1):
        for start in range(len(name) - length + 1):
            text = text.replace(name[start : start + length], " ")
    return text.strip()


def _find_units(text: str) -> set[str]:
    """Return what a password consists of: what comes again is no more."""
    plain, unshifted = text.translate(LOOKALIKE), text.translate(SHIFTED)
    units = set()
    place = 0
    while place < len(text):
        found = [
            WORDS.match(text, place),
            WORDS.match(plain, place),
            DATE.match(text, place),
            SYLLABLE.match(text, place),
        ]
        lengths = [one.end() - place for one in found if one]
        walk = _walk_at(unshifted, place)
        end = place + max([1, *lengths, walk if walk >= WALK else 1])
        units.add(text[place:end])
        place = end
    return units


def _walk_at(text: str, place: int) -> int:
    length = 1
    while place + length < len(text) and _are_near(*text[place + length - 1 : place + length + 1]):
        length += 1
    return length


def _are_near(one: str, other: str) -> bool:
    """Tell whether two keys touch, or two letters follow each other in the alphabet."""
    if one == other or (one.isalpha() and other.isalpha() and abs(ord(one) - ord(other)) == 1):
        return True
    return _touch(KEYS, one, other, {(0, 1), (0, -1), (1, 0), (1, -1), (-1, 0), (-1, 1)}) or _touch(
        PAD, one, other, {(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
    )


def _touch(rows: tuple[str, ...], one: str, other: str, steps: set[tuple[int, int]]) -> bool:
    first, second = _find_key(rows, one), _find_key(rows, other)
    if first is None or second is None:
        return False
    return (second[0] - first[0], second[1] - first[1]) in steps


def _find_key(rows: tuple[str, ...], key: str) -> tuple[int, int] | None:
    places = ((row, keys.index(key)) for row, keys in enumerate(rows) if key in keys)
    return next(places, None)
