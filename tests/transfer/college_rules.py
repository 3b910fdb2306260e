"""What an institution keeps beside its work: rules, assessments, profiles, keys of persons."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    BackgroundJob,
    Batch,
    BatchWindow,
    ConsentRecord,
    Enrolment,
    FaceEncoding,
    FaceHint,
    FaceHintKind,
    FaceReference,
    FaceSwitch,
    ImpactAssessment,
    LearningCentre,
    PhotoProfileRow,
    ProfilePhoto,
    ProfileTrial,
    RestoreDrill,
    SecurityPolicy,
    Staff,
    StaffCentre,
    StoredFaces,
    describe_place,
    new_id,
)
from server.context import Context
from server.services.consent.parts import FACES
from server.services.consent.shipped import SHIPPED_VERSION
from server.services.sealing import seal


def add_rules(ctx: Context, session: Session, enrolment: Enrolment, staff: Staff) -> None:
    """Add a row to each of these tables."""
    common = {"institution_id": enrolment.institution_id}
    batch = session.scalars(select(Batch)).first()
    centre = session.scalars(select(LearningCentre).order_by(LearningCentre.name)).first()
    assert batch is not None
    assert centre is not None
    now = ctx.now()
    session.add_all(
        [
            BatchWindow(batch_id=batch.id, expected_term="2023春", last_at=now, created_at=now),
            StaffCentre(staff_id=staff.id, centre_id=centre.id),
            SecurityPolicy(**common, console_networks=["127.0.0.0/8"]),
            RestoreDrill(
                at=now, snapshot="x", row_count=1, photo_count=1, problem_count=0, took_s=1
            ),
            StoredFaces(**common, count=1, counted_at=now),
            ImpactAssessment(
                **common,
                version=1,
                covers=["photo"],
                facts=["特征码：y0814v"],
                answers={"risks": "可控"},
                signed_by=staff.id,
                signed_at=now,
            ),
        ]
    )
    seal(session, ctx.cipher, enrolment.id, "本人到场", at=now)


def add_profiles(
    ctx: Context, session: Session, enrolment: Enrolment, photo_id: uuid.UUID, staff: Staff
) -> None:
    """Add a profile of the institution, a picture cut by it and a trial."""
    common = {"institution_id": enrolment.institution_id}
    now, trial_id = ctx.now(), new_id()
    place = describe_place("profile_trial", "picture_encrypted", trial_id)
    session.add_all(
        [
            PhotoProfileRow(**common, key="cet", profile={"width": 144}, changed_at=now),
            ProfilePhoto(photo_id=photo_id, profile_key="cet", profile={}, requested_at=now),
            ProfileTrial(
                **common,
                id=trial_id,
                staff_id=staff.id,
                photo_id=photo_id,
                profile={},
                requested_at=now,
                ended_at=now,
                picture_encrypted=ctx.cipher.encrypt(b"picture", place=place),
            ),
        ]
    )


def add_faces(
    ctx: Context, session: Session, enrolment: Enrolment, photo_id: uuid.UUID, staff: Staff
) -> None:
    """Add a consent, a switch, a measured face, a hint, and a reference with its import."""
    assert ctx.face_cipher is not None
    common = {"institution_id": enrolment.institution_id}
    now = ctx.now()
    job = BackgroundJob(
        **common, id=new_id(), kind="export", state="done", started_by=staff.id, created_at=now
    )
    session.add(job)
    session.flush()

    def seal_face(data: bytes, table: str, column: str, row_id: uuid.UUID) -> bytes:
        assert ctx.face_cipher is not None
        return ctx.face_cipher.encrypt(data, place=describe_place(table, column, row_id))

    session.add_all(
        [
            ConsentRecord(
                enrolment_id=enrolment.id,
                kind=FACES,
                is_given=True,
                version=SHIPPED_VERSION,
                user_id=enrolment.wechat_user_id,
                at=now,
            ),
            FaceSwitch(**common, is_on=True, changed_by=staff.id, changed_at=now),
            FaceEncoding(
                **common,
                photo_id=photo_id,
                enrolment_id=enrolment.id,
                sealed=seal_face(bytes(512), "face_encoding", "sealed", photo_id),
                made_at=now,
            ),
            FaceHint(
                **common,
                photo_id=photo_id,
                other_photo_id=photo_id,
                kind=FaceHintKind.UNLIKE_EARLIER,
                step=1,
                found_at=now,
            ),
            FaceReference(
                **common,
                enrolment_id=enrolment.id,
                job_id=job.id,
                picture_sealed=seal_face(
                    b"picture", "face_reference", "picture_sealed", enrolment.id
                ),
                face_sealed=seal_face(bytes(512), "face_reference", "face_sealed", enrolment.id),
                imported_at=now,
                measured_at=now,
            ),
        ]
    )
