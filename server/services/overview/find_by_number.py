"""Find a student by the whole ID number: never in an address, and every search is audited."""

from __future__ import annotations

from models import index_id_number
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.id_numbers import find_id_number_fault, normalise_id_number
from server.services.overview.list_students import StudentFilter, StudentRow, list_students
from server.services.paging import Page
from server.services.viewer import Viewer


class NumberUnusable(CaijiError):
    """What was typed cannot be an ID number; nothing was searched."""

    code = "number_unusable"
    status = 422
    message = "证件号码格式不正确"


def find_by_number(ctx: Context, viewer: Viewer, typed: str) -> Page[StudentRow, str]:
    """Return the viewer's students with this ID number. Owns its transaction.

    The audit log tells who searched and how many were found, never the number.

    Raises:
        NumberUnusable: the number cannot be right.
    """
    id_number = normalise_id_number(typed)
    fault = find_id_number_fault(id_number, to_local(ctx.now()).date())
    if fault is not None:
        raise NumberUnusable(fault)
    wanted = StudentFilter(id_number_index=index_id_number(id_number, ctx.cipher))
    page = list_students(ctx, viewer, wanted)
    with ctx.db.write() as session:
        found: list[str] = [str(row.id) for row in page.rows]
        for subject_id in found or [""]:
            record_audit(
                session,
                viewer,
                "students.find_number",
                at=ctx.now(),
                subject_kind="enrolment" if subject_id else "",
                subject_id=subject_id,
                count=len(found),
            )
    return page


def is_whole_number(text: str) -> bool:
    """Tell whether somebody typed a whole ID number where an address would carry it."""
    bare = normalise_id_number(text)
    return len(bare) == 18 and bare[:17].isdigit()  # noqa: PLR2004 - GB 11643-1999
