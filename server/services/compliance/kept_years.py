"""For how many years after the batch an institution keeps what tells of a student."""

from __future__ import annotations

from models import Institution
from server.context import Context
from server.services.audit import record_audit
from server.services.viewer import Viewer

MOST_YEARS = 50


def read_kept_years(ctx: Context, viewer: Viewer) -> int:
    """Return the years of the viewer's institution."""
    with ctx.db.read() as session:
        return session.get_one(Institution, viewer.institution_id).kept_years


def change_kept_years(ctx: Context, viewer: Viewer, years: int) -> None:
    """Set the years; retention goes by them from its next round. Owns its transaction."""
    with ctx.db.write() as session:
        institution = session.get_one(Institution, viewer.institution_id, with_for_update=True)
        before, institution.kept_years = institution.kept_years, years
        if before == years:
            return
        record_audit(
            session,
            viewer,
            "periods.change",
            at=ctx.now(),
            subject_kind="institution",
            subject_id=institution.id,
            kept_years={"old": before, "new": years},
        )
