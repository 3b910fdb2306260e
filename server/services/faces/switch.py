"""The college's switch: on only with an assessment and a key, off deletes at once."""

from __future__ import annotations

from models import FaceSwitch
from server.context import Context
from server.errors import CaijiError
from server.services.audit import record_audit
from server.services.compliance.assessments import (
    FACES,
    has_current_assessment,
    require_assessment,
)
from server.services.faces.forget import forget_institution
from server.services.viewer import Viewer


class FaceKeyMissing(CaijiError):
    """FACE_KEYS is empty."""

    code = "face_key_missing"
    status = 409
    message = "服务器没有设置 FACE_KEYS，不能开启人脸比对，请联系系统管理员"


def read_switch(ctx: Context, viewer: Viewer) -> tuple[bool, bool, bool]:
    """Return whether the switch is on, whether an assessment covers it, whether there is a key."""
    with ctx.db.read() as session:
        row = session.get(FaceSwitch, viewer.institution_id)
        return (
            bool(row and row.is_on),
            has_current_assessment(session, viewer.institution_id, FACES),
            ctx.face_cipher is not None,
        )


def set_switch(ctx: Context, viewer: Viewer, *, is_on: bool) -> None:
    """Turn the comparison on or off; off deletes every measurement in the same transaction.

    Raises:
        FaceKeyMissing, AssessmentMissing.
    """
    with ctx.db.write() as session:
        if is_on and ctx.face_cipher is None:
            raise FaceKeyMissing
        if is_on:
            require_assessment(session, viewer.institution_id, FACES)
        row = session.get(FaceSwitch, viewer.institution_id)
        if row is None:
            row = FaceSwitch(institution_id=viewer.institution_id)
            session.add(row)
        row.is_on, row.changed_by, row.changed_at = is_on, viewer.staff_id, ctx.now()
        if not is_on:
            forget_institution(session, viewer.institution_id)
        record_audit(
            session,
            viewer,
            "faces.on" if is_on else "faces.off",
            at=ctx.now(),
            subject_kind="institution",
            subject_id=viewer.institution_id,
        )
