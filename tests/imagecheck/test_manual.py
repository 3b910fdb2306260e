"""The manual says what the code does."""

from __future__ import annotations

import re

from benchmarks.rig.portraits.manual import (
    BEGIN,
    END,
    FAULTS,
    FOLDER,
    MANUAL,
    NOT_DRAWN,
    SPECIAL,
    write_rules,
)
from imagecheck.rules import RULES

NEED_NO_PICTURE = {rule.code for rule in RULES if rule.needs == "file"} | set(NOT_DRAWN)


def test_rules_in_the_manual_are_those_of_the_profile() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    written = text[text.index(BEGIN) : text.index(END) + len(END)]
    assert written == write_rules(), "run: python -m benchmarks.rig.portraits.manual --text"


def test_every_picture_exists_and_every_other_rule_has_one() -> None:
    text = MANUAL.read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(imagecheck/([\w.]+)\)", text))
    assert shown
    assert all((FOLDER / name).is_file() for name in shown)
    assert {rule.code for rule in RULES} <= set(FAULTS) | set(SPECIAL) | NEED_NO_PICTURE
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_000_000
