"""Everything that the settings lack, at once: an operator repairs a list, not one line a start."""

from __future__ import annotations

from collections.abc import Callable

from server.gateways.pay_settings import list_pay_checks
from server.settings import PREFIX, Settings, SettingsInvalid, list_checks


def list_missing(settings: Settings) -> list[str]:
    """Return one line for each setting that is missing or wrong, each of them named."""
    checks: list[Callable[[Settings], object]] = [*list_checks(), *list_pay_checks(settings)]
    lines: dict[str, str] = {}
    for check in checks:
        try:
            check(settings)
        except SettingsInvalid as error:
            line = str(error)
            lines.setdefault(line.partition(":")[0].removeprefix(PREFIX), line)
    return list(lines.values())
