"""Payment that is not set up yet: everything else of a command works, and a call says what fails.

A college imports its roster long before its merchant account is ready.
"""

from __future__ import annotations

from typing import Any, cast

from server.gateways.pay import PayGateway
from server.settings import SettingsInvalid


class _MissingPay:
    """Stands where the gateway stands; every use raises what the settings lack."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def __getattr__(self, name: str) -> Any:
        raise SettingsInvalid(self._reason)


def stand_in_for_pay(reason: str) -> PayGateway:
    """Return a gateway whose every use raises SettingsInvalid with this line."""
    return cast("PayGateway", _MissingPay(reason))
