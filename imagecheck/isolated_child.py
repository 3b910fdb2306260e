"""The child of `imagecheck.isolated`: reads frames, examines, answers; ends with its parent.

``python -m imagecheck.isolated_child MEMORY_MB TIMEOUT_S`` is started by `Checker` only. A photo
that takes longer than the time limit ends the process from within as well, so that no child
burns on when its parent was killed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from imagecheck.isolated import LENGTHS_SIZE, Header, pack_frame, unpack_lengths

Request = dict[str, Any]

CPU_LIMIT_S = 1.8
"""Processor time for one photo. An ordinary one takes 0.3 s; a hostile one must get its finding
within 2 s. Processor time is fair on a busy machine, where the clock runs on without us."""

MAKE_CPU_LIMIT_S = 6.0
"""The same for the pictures of many profiles: three checks, and no student waits for them."""

_GRACE_S = 1.0  # the parent notices first and says so


def main() -> int:
    """Serve until the parent closes the pipe."""
    memory_mb, timeout_s = int(sys.argv[1]), float(sys.argv[2])
    requests, answers = _take_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, which ends us
    _limit_memory(memory_mb)
    while True:
        frame = _read_frame(requests)
        if frame is None:
            return 0
        header, data = frame
        answer = _answer(header, data, timeout_s)
        _write_all(answers, answer)


def _take_pipes() -> tuple[int, int]:
    """The pipes to the parent; whatever a library prints goes to standard error instead."""
    requests, answers = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return requests, answers


def _limit_memory(memory_mb: int) -> None:
    """Limit writable memory; address space would also count what is only reserved or mapped."""
    limit = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(header: Header, data: bytes, timeout_s: float) -> bytes:
    if "warm_up" in header:
        try:
            _load_everything()
        except RuntimeError as error:
            return pack_frame({"failed": str(error)})
        return pack_frame({"ready": True})
    work: Callable[[], bytes]
    if "encode" in header:
        cpu_limit_s, work = MAKE_CPU_LIMIT_S, _prepare_encoding(data)
    elif "fit" in header:
        cpu_limit_s, work = CPU_LIMIT_S, partial(_fit, data, header["fit"])
    elif "make" in header:
        cpu_limit_s, work = MAKE_CPU_LIMIT_S, partial(_make, data, header)
    else:
        try:
            request = _read_request(header)
        except ValueError as error:
            return pack_frame({"refused": str(error)})
        cpu_limit_s, work = CPU_LIMIT_S, partial(_examine, data, request)
    # the default action of both alarms ends the process, also in the middle of C code
    signal.setitimer(signal.ITIMER_REAL, timeout_s + _GRACE_S)
    signal.setitimer(signal.ITIMER_PROF, min(timeout_s, cpu_limit_s))
    try:
        return work()
    except MemoryError:
        return pack_frame({"failed": "memory"})
    except Exception:  # noqa: BLE001 - one photo must not end the service of all others
        traceback.print_exc()
        return pack_frame({"failed": "checker_ended"})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _load_everything() -> None:
    import cv2

    from imagecheck import answers, examination, faces, matting  # noqa: F401

    cv2.setNumThreads(1)
    faces.load_models()


def _prepare_encoding(data: bytes) -> Callable[[], bytes]:
    """Load the models that measure faces, before the clock starts, and return the work."""
    from imagecheck.decode import UndecodableError
    from imagecheck.faces import encoder

    encoder.load()

    def encode() -> bytes:
        try:
            return pack_frame({"encoding": encoder.encode_face(data)})
        except UndecodableError:
            return pack_frame({"encoding": None})

    return encode


def _read_request(header: Header) -> Request:
    """What the parent asks for; `ValueError` when there is no such thing."""
    from imagecheck.examination import Background
    from imagecheck.nudge import Nudge
    from imagecheck.profile import find_profile
    from imagecheck.report import Mode

    mode, background = header["mode"], header["background"]
    if mode not in get_args(Mode):
        raise ValueError(f"no mode {mode!r}")
    if background not in get_args(Background):
        raise ValueError(f"no background {background!r}")
    find_profile(header["profile"])
    nudge = Nudge(*header["nudge"]) if "nudge" in header else None
    return {
        "mode": mode,
        "background": background,
        "profile": header["profile"],
        "nudge": nudge,
    }


def _examine(data: bytes, request: Request) -> bytes:
    from imagecheck.examination import examine

    result = examine(data, **request)
    answer = {
        "report": result.report.to_dict(),
        "overlay_svg": result.overlay_svg,
        "hashes": result.hashes,
    }
    return pack_frame(answer, result.standard_jpeg or b"")


def _fit(data: bytes, longest_px: int) -> bytes:
    from imagecheck.decode import UndecodableError
    from imagecheck.small import fit_picture

    try:
        return pack_frame({}, fit_picture(data, longest_px=longest_px))
    except UndecodableError:
        return pack_frame({})


def _make(data: bytes, header: Header) -> bytes:
    from imagecheck.nudge import Nudge
    from imagecheck.profiles.make import make
    from imagecheck.profiles.photo_profile import PhotoProfile

    wanted = [PhotoProfile.from_json(values) for values in header["make"]]
    cuts = make(data, wanted, nudge=Nudge(*header.get("nudge", ())))
    made = [
        {
            "report": cut.report.to_dict(),
            "size": len(cut.jpeg or b""),
            "derived_wall": cut.derived_wall,
        }
        for cut in cuts
    ]
    return pack_frame({"made": made}, b"".join(cut.jpeg or b"" for cut in cuts))


def _read_frame(fd: int) -> tuple[Header, bytes] | None:
    prefix = _read_exactly(fd, LENGTHS_SIZE)
    if prefix is None:
        return None
    header_len, raw_len = unpack_lengths(prefix)
    body = _read_exactly(fd, header_len + raw_len)
    return None if body is None else (json.loads(body[:header_len]), body[header_len:])


def _read_exactly(fd: int, count: int) -> bytes | None:
    """``None`` when the parent has closed the pipe."""
    parts: list[bytes] = []
    while count:
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


if __name__ == "__main__":
    sys.exit(main())
