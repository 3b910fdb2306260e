"""Runs `imagecheck.examine` in a child process that a hostile file may break without harm.

One `Checker` owns one long-lived child with a memory limit and a time limit. The child is replaced
when it dies, hangs or runs out of memory; the photo that did it gets a finding. Parent and child
speak in length-prefixed frames of JSON and raw bytes over pipes; nothing is ever unpickled, and the
parent loads neither dlib nor OpenCV.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from imagecheck.nudge import Nudge
from imagecheck.profiles.photo_profile import PhotoProfile
from imagecheck.refusals import find_refused
from imagecheck.report import Mode, Report

Header = dict[str, Any]

DEFAULT_MEMORY_MB = 512
"""Writable memory of the child. Measured: 190 MB after loading the models, 330 MB while a
50-megapixel photo is judged; the limit must leave room above that."""
DEFAULT_TIMEOUT_S = 10.0
WARM_UP_S = 120.0
"""Time allowed for loading the models, also on a machine that is busy starting everything."""

_LENGTHS = struct.Struct(">II")
_MAX_FRAME_BYTES = 256 * 1024 * 1024
_CHUNK_BYTES = 1 << 20
"""Also the room of the pipes, where the system gives as much: a photo crosses in few steps."""
_LAST_BREATH_S = 0.2  # between the end of its pipe and its exit status
_OWN_CLOCKS = (-signal.SIGPROF, -signal.SIGALRM)
"""How a child ends that ran into its own limit of time or processor time."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """All that one upload yields, as it crosses the pipe.

    Attributes:
        report: the report in the form of the JSON contract.
        standard_jpeg: the 480x640 file; ``None`` when it could not be made.
        overlay_svg: measured lines over it; ``None`` without it.
        hashes: coarse and fine, of the standard photo; ``None`` without it.
    """

    report: dict[str, Any]
    standard_jpeg: bytes | None = None
    overlay_svg: str | None = None
    hashes: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class MadePhoto:
    """What became of one profile, as it crosses the pipe.

    Attributes:
        report: in the form of the JSON contract; tells why there is no file.
        jpeg: the file; ``None`` when it could not be made.
        derived_wall: colour that the wall was changed to; empty when it is as it was shot.
    """

    report: dict[str, Any]
    jpeg: bytes | None = None
    derived_wall: str = ""


class ChildGone(Exception):
    """The child ended, or did not answer in time.

    Attributes:
        cause: a name of `refusals.REFUSALS`.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Checker:
    """One isolated child. Not shared between threads at the same time; calls are serialised."""

    def __init__(
        self, *, memory_mb: int = DEFAULT_MEMORY_MB, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> None:
        """Prepare; the child starts with the first call.

        Args:
            memory_mb: writable memory that the child may use.
            timeout_s: time for one photo; loading the models is not counted.
        """
        self._memory_mb = memory_mb
        self._timeout_s = timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Process id of the child, if it runs."""
        return self._child.pid if self._child is not None else None

    @property
    def is_running(self) -> bool:
        """Whether the child lives, busy or not."""
        child = self._child
        return child is not None and child.poll() is None

    def warm_up(self) -> None:
        """Start the child and load the models, so that the first photo does not wait for them.

        Raises:
            ChildGone: it cannot start, a fault of the installation.
        """
        with self._lock:
            self._ensure_child()

    def examine(
        self,
        data: bytes,
        *,
        mode: str = "capture",
        profile: str = "moe-2017",
        background: str = "auto",
        nudge: Nudge | None = None,
    ) -> CheckedPhoto:
        """Judge an upload in the child. Whatever the bytes do, there is a report.

        Raises:
            ValueError: no such mode, profile or background.
            ChildGone: the child cannot even be started.
        """
        start = time.monotonic()
        request: Header = {"mode": mode, "profile": profile, "background": background}
        if nudge is not None:
            request["nudge"] = _list_nudge(nudge)
        with self._lock:
            for chances_left in (1, 0):
                self._ensure_child()
                try:
                    header, raw = self._ask(request, data, self._timeout_s)
                    break
                except ChildGone as error:
                    status = self._read_status()
                    self._end_child()
                    cause = "timed_out" if status in _OWN_CLOCKS else error.cause
                # killed by somebody else: no fault of the photo, which gets a second child
                if status != -signal.SIGKILL or not chances_left:
                    elapsed_ms = round((time.monotonic() - start) * 1000)
                    return CheckedPhoto(_unfinished_report(mode, profile, cause, elapsed_ms))
        if "refused" in header:
            raise ValueError(header["refused"])
        hashes = header["hashes"] and tuple(header["hashes"])
        return CheckedPhoto(header["report"], raw or None, header["overlay_svg"], hashes)

    def make(
        self, data: bytes, profiles: Sequence[PhotoProfile], *, nudge: Nudge | None = None
    ) -> tuple[MadePhoto, ...]:
        """Cut every profile's picture of one photo in the child, in the order of the profiles.

        Raises:
            ChildGone: the photo ended the child, or it cannot be started.
        """
        request: Header = {"make": [profile.to_json() for profile in profiles]}
        if nudge is not None:
            request["nudge"] = _list_nudge(nudge)
        with self._lock:
            self._ensure_child()
            try:
                header, raw = self._ask(request, data, self._timeout_s)
            except ChildGone:
                self._end_child()
                raise
        made, start = [], 0
        for each in header["made"]:
            end = start + each["size"]
            made.append(MadePhoto(each["report"], raw[start:end] or None, each["derived_wall"]))
            start = end
        return tuple(made)

    def encode_face(self, data: bytes) -> list[float] | None:
        """Measure the largest face of a standard photo in the child: 128 floats, or none found.

        Raises:
            ValueError: the child did not come back with an answer.
            ChildGone: it cannot even be started.
        """
        with self._lock:
            self._ensure_child()
            try:
                header, _ = self._ask({"encode": True}, data, WARM_UP_S)
            except ChildGone as error:
                self._end_child()
                raise ValueError(error.cause) from error
        found: list[float] | None = header["encoding"]
        return found

    def fit_picture(self, data: bytes, *, longest_px: int) -> bytes | None:
        """Make a small upright JPEG of any picture in the child, its pixels and nothing else.

        Returns None where there is no picture, also where it ended the child.

        Raises:
            ChildGone: the child cannot even be started.
        """
        with self._lock:
            self._ensure_child()
            try:
                _, raw = self._ask({"fit": longest_px}, data, self._timeout_s)
            except ChildGone:
                self._end_child()
                return None
        return raw or None

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end_child()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the child --------------------------------------------------------------------------

    def _ensure_child(self) -> None:
        if self._child is not None and self._child.poll() is None:
            return
        self._end_child()
        self._child = self._start_child()
        try:
            self._ask({"warm_up": True}, b"", WARM_UP_S)
        except ChildGone:
            self._end_child()
            raise

    def _start_child(self) -> subprocess.Popen[bytes]:
        home = str(Path(__file__).resolve().parent.parent)
        environment = os.environ | dict.fromkeys(_ONE_THREAD, "1")
        environment["PYTHONPATH"] = os.pathsep.join(
            filter(None, (home, os.environ.get("PYTHONPATH")))
        )
        limits = [str(self._memory_mb), str(self._timeout_s)]
        child = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            [sys.executable, "-m", "imagecheck.isolated_child", *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
        )
        for pipe in (child.stdin, child.stdout):
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            with contextlib.suppress(OSError, AttributeError):  # Linux, within its limits
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _CHUNK_BYTES)
        return child

    def _read_status(self) -> int | None:
        """How the child ended; ``None`` while it has not."""
        if self._child is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=_LAST_BREATH_S)
        return self._child.returncode

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, header: Header, raw: bytes, timeout_s: float) -> tuple[Header, bytes]:
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        deadline = time.monotonic() + timeout_s
        _send(child.stdin.fileno(), pack_frame(header, raw), deadline)
        out = child.stdout.fileno()
        header_len, raw_len = _LENGTHS.unpack(_receive(out, _LENGTHS.size, deadline))
        body = _receive(out, header_len + raw_len, deadline)
        answer: Header = json.loads(body[:header_len])
        if "failed" in answer:
            raise ChildGone(answer["failed"])
        return answer, body[header_len:]


def _list_nudge(nudge: Nudge) -> list[int]:
    return [nudge.right_px, nudge.down_px, nudge.percent]


def pack_frame(header: Header, raw: bytes = b"") -> bytes:
    """One frame: two lengths, a JSON header, raw bytes."""
    text = json.dumps(header, ensure_ascii=False).encode()
    return _LENGTHS.pack(len(text), len(raw)) + text + raw


def unpack_lengths(prefix: bytes) -> tuple[int, int]:
    """Lengths of header and raw bytes from the first eight bytes of a frame.

    Raises:
        ValueError: longer than any frame can be.
    """
    header_len, raw_len = _LENGTHS.unpack(prefix)
    if header_len + raw_len > _MAX_FRAME_BYTES:
        raise ValueError("frame too long")
    return header_len, raw_len


LENGTHS_SIZE = _LENGTHS.size


def _send(fd: int, data: bytes, deadline: float) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view[:_CHUNK_BYTES]) :]
        except BlockingIOError:
            _wait(fd, selectors.EVENT_WRITE, deadline)
        except OSError as error:
            raise ChildGone("checker_ended") from error


def _receive(fd: int, count: int, deadline: float) -> bytes:
    if count > _MAX_FRAME_BYTES:
        raise ChildGone("checker_ended")
    parts: list[bytes] = []
    while count:
        try:
            part = os.read(fd, min(count, _CHUNK_BYTES))
        except BlockingIOError:
            _wait(fd, selectors.EVENT_READ, deadline)
            continue
        if not part:
            raise ChildGone("checker_ended")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _wait(fd: int, event: int, deadline: float) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(fd, event)
        left = deadline - time.monotonic()
        if left <= 0 or not selector.select(left):
            raise ChildGone("timed_out")


def _unfinished_report(mode: str, profile: str, cause: str, elapsed_ms: int) -> dict[str, Any]:
    """The report about a photo that could not be processed within the limits."""
    known_mode: Mode = "final" if mode == "final" else "capture"
    finding = find_refused(cause)
    return Report(
        known_mode, profile, "fail", (finding,), {}, elapsed_ms, is_unfinished=True
    ).to_dict()
