"""The checker children of a worker process, given to whoever has a photo ready for them.

There is one thread more than children: while they judge, it takes the next photo in hand and reads
its bytes, so that no child waits for the database or the store.
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from imagecheck.isolated import CheckedPhoto, MadePhoto
from imagecheck.nudge import Nudge
from imagecheck.profiles.photo_profile import PhotoProfile


class Child(Protocol):
    """One isolated child; ``imagecheck.isolated.Checker`` says what each of these promises."""

    @property
    def is_running(self) -> bool:
        """Whether it lives, busy or not."""
        ...

    def warm_up(self) -> None:
        """Load the models; raises ChildGone."""
        ...

    def examine(
        self, data: bytes, *, mode: str, profile: str, background: str, nudge: Nudge | None
    ) -> CheckedPhoto:
        """Judge an upload."""
        ...

    def make(
        self, data: bytes, profiles: Sequence[PhotoProfile], *, nudge: Nudge | None = None
    ) -> tuple[MadePhoto, ...]:
        """Cut the pictures of a photo."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class CheckerPool:
    """A number of children; a call waits for one that is idle."""

    def __init__(self, count: int, make_child: Callable[[], Child]) -> None:
        self._children = [make_child() for _ in range(count)]
        self._idle: queue.SimpleQueue[Child] = queue.SimpleQueue()
        for child in self._children:
            self._idle.put(child)

    @property
    def thread_count(self) -> int:
        """How many threads keep all children busy."""
        return len(self._children) + 1

    def warm_up(self) -> None:
        """Load the models of an idle child; raises ChildGone."""
        with self._take() as child:
            child.warm_up()

    def require_running(self) -> None:
        """Make sure that some child has its models, before a photo is taken in hand.

        Raises:
            ChildGone: none can be started, a fault of the installation: photos wait.
        """
        if not any(child.is_running for child in self._children):
            self.warm_up()

    def examine(
        self,
        data: bytes,
        *,
        mode: str,
        profile: str,
        background: str,
        nudge: Nudge | None = None,
    ) -> CheckedPhoto:
        """Judge an upload as :meth:`imagecheck.isolated.Checker.examine` does."""
        with self._take() as child:
            return child.examine(
                data, mode=mode, profile=profile, background=background, nudge=nudge
            )

    def make(
        self, data: bytes, profiles: Sequence[PhotoProfile], *, nudge: Nudge | None = None
    ) -> tuple[MadePhoto, ...]:
        """Cut pictures as :meth:`imagecheck.isolated.Checker.make` does."""
        with self._take() as child:
            return child.make(data, profiles, nudge=nudge)

    def close(self) -> None:
        """End all children."""
        for child in self._children:
            child.close()

    @contextlib.contextmanager
    def _take(self) -> Iterator[Child]:
        child = self._idle.get()
        try:
            yield child
        finally:
            self._idle.put(child)
