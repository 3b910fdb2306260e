"""Which pages take more than a photo in one request: for staff who are signed in, by role."""

from __future__ import annotations

from flask import request

from models import Role
from server.console.access import COOKIE
from server.services.staff.sign_in import resume_session
from server.surfaces import get_ctx

MAX_ZIP_BYTES = 300 * 1024 * 1024
"""Of one upload; what is larger comes in several."""
_FORM_BYTES = 1024 * 1024
LARGE = {
    "console.onsite_folder": {Role.ADMIN, Role.CENTRE},
    "console.face_references": {Role.ADMIN},
}


def allow_large_body() -> None:
    """Let these staff send a whole zip there; everybody else keeps the usual limit."""
    roles = LARGE.get(request.endpoint or "")
    if roles is None or request.method != "POST":
        return
    viewer = resume_session(get_ctx(), request.cookies.get(COOKIE, ""), "")
    if viewer is not None and viewer.role in roles:
        request.max_content_length = MAX_ZIP_BYTES + _FORM_BYTES
