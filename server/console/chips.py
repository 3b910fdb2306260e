"""The filters that are set, as chips above a list: each says what it is and closes by a click."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Chip:
    """One filter that is set. ``close_url``: the list without it."""

    label: str
    text: str
    close_url: str


def list_chips(
    labels: Mapping[str, str],
    values: Mapping[str, str],
    options: Mapping[str, Options],
    build_without: Callable[[str], str],
) -> list[Chip]:
    """Return a chip for each of ``labels`` whose value is set.

    ``options``: what the values are called; a value that none has is shown as it is.
    """
    return [
        Chip(
            label,
            dict(options.get(name, ())).get(values[name], values[name]),
            build_without(name),
        )
        for name, label in labels.items()
        if values.get(name)
    ]
