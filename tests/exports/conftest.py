import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import select

import server.duties  # noqa: F401 - registers the handlers of background jobs
from models import Batch, Staff
from server.context import Context
from server.services.demo import INSTITUTION
from server.services.export_jobs import request_export
from server.services.staff_viewer import Viewer
from tests.college import Collected, collect, make_students

Ask = Callable[..., uuid.UUID]


@pytest.fixture
def students() -> list[Collected]:
    return make_students(5)


@pytest.fixture
def batch(demo: Context, students: list[Collected]) -> Batch:
    return collect(demo, INSTITUTION, students)


def view_as(ctx: Context, username: str) -> Viewer:
    with ctx.db.read() as session:
        staff = session.scalars(select(Staff).where(Staff.username == username)).one()
        return Viewer(
            staff_id=staff.id,
            username=username,
            role=staff.role,
            institution_id=staff.institution_id,
            institution_name=staff.institution.name,
            centre_id=staff.centre_id,
            centre_name="",
            session_id=staff.id,
            reauthenticated_at=ctx.now(),
            must_change_password=False,
            has_totp=False,
        )


@pytest.fixture
def admin(demo: Context) -> Viewer:
    return view_as(demo, "admin")


@pytest.fixture
def ask(demo: Context, admin: Viewer, batch: Batch) -> Ask:
    """Ask for an export of the batch."""

    def start(naming: str = "student_no", *uses: str) -> uuid.UUID:
        chosen = list(uses) or ["registration"]
        return request_export(demo, admin, batch=batch.label, naming=naming, uses=chosen)

    return start
