"""The worker's part of an import: each picture of the zip to its student, or to a list of why not.

A killed worker's import is taken up again: what this job has brought already is passed over.
Nothing is measured here: that takes half a second a face, and other jobs wait behind this one.
"""

from __future__ import annotations

import functools
import io
import re
import time
import unicodedata
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import BackgroundJob, Enrolment, FaceReference
from server.context import Context
from server.services.bounded_zip import Entry, ZipRefused, open_zip
from server.services.collection import lock_enrolment
from server.services.faces.allow import is_switched_on, may_compare
from server.services.faces.forget import forget_references
from server.services.faces.references import (
    MOST_PICTURES,
    MOST_UNPACKED_BYTES,
    FacesSwitchedOff,
    place_of,
)
from server.services.jobs import report_progress
from server.services.pieces import CHUNK_BYTES, ChunkReader, PieceUnreadable
from server.sizes import MAX_PHOTO_BYTES

LONGEST_PX = 480
"""Of a kept picture: enough for a reviewer, and for the face to be found and measured."""
PROGRESS_EVERY_S = 2.0
MOST_LISTED = 200
_NUMBER = re.compile(r"[0-9A-Za-z]+")
FAULTS = {
    "unknown": "没有这个学号",
    "twice": "同一个学号有几张照片",
    "no_consent": "学生没有同意人脸比对，或批次已关闭",
    "no_picture": "不是照片，或打不开",
    "too_large": "超过 10 MB",
}


class PictureFitter(Protocol):
    """Makes a small picture of any bytes."""

    def fit_picture(self, data: bytes, *, longest_px: int) -> bytes | None:
        """Return a small JPEG, or None where there is no picture."""
        ...


@dataclass
class Outcome:
    """What became of the files of one zip."""

    kept: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    listed: list[tuple[str, str]] = field(default_factory=list)

    def note(self, name: str, fault: str) -> None:
        """Count a fault, and name its file while there is room."""
        self.faults[fault] += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append((name[:60], fault))

    def to_json(self) -> dict[str, Any]:
        """For the job's row; ``first_…`` is emptied by retention."""
        return {"kept": self.kept, "faults": dict(self.faults), "first_faults": self.listed}


@functools.cache
def _start_fitter() -> PictureFitter:
    from imagecheck.isolated import Checker

    return Checker()


def run_reference_import(
    ctx: Context, job_id: uuid.UUID, fitter: PictureFitter | None = None
) -> None:
    """Read a kept zip (a handler of run_jobs); owns its transactions.

    Raises:
        FacesSwitchedOff, ZipRefused.
    """
    with ctx.db.read() as session:
        job = session.get_one(BackgroundJob, job_id)
        if not is_switched_on(ctx, session, job.institution_id):
            raise FacesSwitchedOff
    raw = ChunkReader(ctx.photo_store, ctx.cipher, job_id.hex, int(job.parameters["size"]))
    try:
        entries = open_zip(
            io.BufferedReader(raw, CHUNK_BYTES),
            most_files=MOST_PICTURES,
            most_bytes=MOST_UNPACKED_BYTES,
        )
    except PieceUnreadable as error:
        raise ZipRefused("上传的文件已不在，请重新上传") from error
    outcome = Outcome()
    _Import(ctx, job, fitter or _start_fitter(), outcome).run(entries)
    with ctx.db.write() as session:
        session.get_one(BackgroundJob, job_id).result = outcome.to_json()


def read_student_no(name: str, known: dict[str, uuid.UUID]) -> str:
    """Return the 学号 that a file is named by: all of its name, or what it begins with."""
    stem = unicodedata.normalize("NFKC", PurePosixPath(name).stem).strip()
    found = _NUMBER.match(stem)
    return stem if stem in known or found is None else found.group()


class _Import:
    def __init__(
        self, ctx: Context, job: BackgroundJob, fitter: PictureFitter, outcome: Outcome
    ) -> None:
        self._ctx, self._job, self._fitter, self._outcome = ctx, job, fitter, outcome
        self._noted_at = time.monotonic()

    def run(self, entries: list[Entry]) -> None:
        with self._ctx.db.read() as session:
            known = _list_students(session, self._job.institution_id)
            done = set(
                session.scalars(
                    select(FaceReference.enrolment_id).where(FaceReference.job_id == self._job.id)
                )
            )
        named = [(entry, read_student_no(entry.name, known)) for entry in entries]
        often = Counter(number for _, number in named)
        for count, (entry, number) in enumerate(named, 1):
            if number not in known:
                self._outcome.note(entry.name, "unknown")
            elif often[number] > 1:
                self._outcome.note(entry.name, "twice")
            elif known[number] in done:
                self._outcome.kept += 1
            else:
                self._bring(entry, known[number])
            self._report(count, len(named))

    def _bring(self, entry: Entry, enrolment_id: uuid.UUID) -> None:
        """Ask for the consent before the picture is opened, and again before it is written."""
        with self._ctx.db.read() as session:
            may = may_compare(self._ctx, session, session.get_one(Enrolment, enrolment_id))
        if not may:
            self._outcome.note(entry.name, "no_consent")
        elif entry.size > MAX_PHOTO_BYTES:
            self._outcome.note(entry.name, "too_large")
        else:
            picture = self._fitter.fit_picture(entry.read(MAX_PHOTO_BYTES), longest_px=LONGEST_PX)
            if picture is None:
                self._outcome.note(entry.name, "no_picture")
            elif self._write(enrolment_id, picture):
                self._outcome.kept += 1
            else:
                self._outcome.note(entry.name, "no_consent")

    def _write(self, enrolment_id: uuid.UUID, picture: bytes) -> bool:
        ctx = self._ctx
        with ctx.db.write() as session:
            enrolment = lock_enrolment(session, enrolment_id)
            if enrolment is None or not may_compare(ctx, session, enrolment):
                return False
            assert ctx.face_cipher is not None, "asked before"
            forget_references(session, FaceReference.enrolment_id == enrolment_id)
            session.add(
                FaceReference(
                    enrolment_id=enrolment_id,
                    institution_id=enrolment.institution_id,
                    job_id=self._job.id,
                    picture_sealed=ctx.face_cipher.encrypt(
                        picture, place=place_of("picture_sealed", enrolment_id)
                    ),
                    face_sealed=b"",
                    imported_at=ctx.now(),
                )
            )
        return True

    def _report(self, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._noted_at > PROGRESS_EVERY_S:
            self._noted_at = time.monotonic()
            report_progress(self._ctx, self._job.id, done, total)


def _list_students(session: Session, institution_id: uuid.UUID) -> dict[str, uuid.UUID]:
    rows = session.execute(
        select(Enrolment.student_no, Enrolment.id).where(
            Enrolment.institution_id == institution_id, Enrolment.ended_at.is_(None)
        )
    )
    return {row[0]: row[1] for row in rows}
