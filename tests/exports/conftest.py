from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from models import Batch
from server.context import Context
from server.demo import INSTITUTION
from server.duties import register_jobs
from server.services.exports.manage import request_export
from server.services.viewer import Viewer
from tests.college import Collected, collect, make_students, view_as

Ask = Callable[..., uuid.UUID]


register_jobs()


@pytest.fixture
def students() -> list[Collected]:
    return make_students(5)


@pytest.fixture
def batch(demo: Context, students: list[Collected]) -> Batch:
    return collect(demo, INSTITUTION, students)


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
