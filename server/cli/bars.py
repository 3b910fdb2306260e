"""Progress bars of long commands, one for each label."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from server.transfer.report import Progress


@contextlib.contextmanager
def show_bars() -> Iterator[Progress]:
    """Give a callback that draws on standard error; a new label ends the bar before it."""
    drawn = contextlib.ExitStack()
    bar: Any = None

    def show(label: str, done: int, total: int) -> None:
        nonlocal bar
        if bar is None or bar.label != label:
            drawn.close()
            made: Any = click.progressbar(length=max(total, 1), label=label, file=sys.stderr)
            bar = drawn.enter_context(made)
        bar.update(done - bar.pos)

    with drawn:
        yield show
