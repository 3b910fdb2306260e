"""How the commands of this package tell of progress and of what they refuse."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with a label, how many are done, and how many there are in all."""


class TransferRefused(Exception):
    """Nothing was touched, or nothing was kept. The text is one line for the operator."""


def ignore_progress(_label: str, _done: int, _total: int) -> None:
    """Show nothing."""
