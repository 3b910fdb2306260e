"""What WeChat accepts in the fields of a subscribe message: kinds, lengths, characters.

By the documentation of subscribeMessage.send, "参数值内容限制说明".
"""

from __future__ import annotations

import re
from typing import Any

NAME = re.compile(r"(?P<kind>[a-z_]+?)[0-9]+")
CHINESE_DATE = r"[0-9]{4}(年|-|/)[0-9]{1,2}(月|-|/)[0-9]{1,2}日?"
CLOCK = r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
KINDS = {
    "thing": re.compile(r".{1,20}"),
    "short_thing": re.compile(r".{1,5}"),
    "phrase": re.compile(r"[\u3400-\u9fff]{1,5}"),
    "name": re.compile(r"[\u3400-\u9fff·]{1,10}|[^\u3400-\u9fff0-9]{1,20}"),
    "number": re.compile(r"[+\-]?[0-9.]{1,32}"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "symbol": re.compile(r"[^\w\s]{1,5}"),
    "character_string": re.compile(r"[\x21-\x7e]{1,32}"),
    "time": re.compile(rf"({CHINESE_DATE} ?)?{CLOCK}|{CHINESE_DATE}"),
    "date": re.compile(rf"{CHINESE_DATE}( ?{CLOCK})?"),
    "amount": re.compile(r"[¥$€£]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "phone_number": re.compile(r"[0-9+\-() ]{1,17}"),
    "car_number": re.compile(r".{1,8}"),
}


def find_wrong_field(data: Any) -> str | None:
    """Return the name of the first field that WeChat refuses (47003), or None."""
    if not isinstance(data, dict) or not data:
        return "*"
    return next((name for name, field in data.items() if not _is_field_good(name, field)), None)


def _is_field_good(name: str, field: Any) -> bool:
    """Tell whether ``{"value": text}`` fits the kind that its name begins with."""
    text = field.get("value") if isinstance(field, dict) else None
    kind = NAME.fullmatch(name)
    rule = KINDS.get(kind["kind"]) if kind else None
    return isinstance(text, str) and rule is not None and rule.fullmatch(text) is not None
