"""Photos for staff: the standard photo, the original, and the measured lines, each as an image."""

from __future__ import annotations

import uuid

from flask import current_app, make_response
from werkzeug.wrappers import Response

from models import Photo, ProfilePhoto, Role
from server.console.access import blueprint, current_viewer, roles
from server.errors import NotFound
from server.gateways.photo_store import PhotoMissing
from server.services.staff.note_reads import ReadNotes
from server.services.viewer import get_visible
from server.surfaces import get_ctx

KEPT_S = 3600
JPEG_MAGIC = b"\xff\xd8\xff"
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
IMAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""What an image may do when it is opened by itself: nothing."""


@blueprint.get("/photos/<uuid:photo_id>/standard.jpg")
@roles(Role.ADMIN, Role.REVIEWER, Role.CENTRE)
def photo_standard(photo_id: uuid.UUID) -> Response:
    """Send the 480x640 standard photo."""
    data = _read(_get_photo(photo_id).standard_key)
    note_picture(photo_id, "standard")
    return send_picture(data, "image/jpeg")


@blueprint.get("/photos/<uuid:photo_id>/original")
@roles(Role.ADMIN, Role.REVIEWER)
def photo_original(photo_id: uuid.UUID) -> Response:
    """Send the bytes that the student submitted, as the image that they are."""
    data = _read(_get_photo(photo_id).original_key)
    note_picture(photo_id, "original")
    if data.startswith(JPEG_MAGIC):
        return send_picture(data, "image/jpeg")
    if data.startswith(PNG_MAGIC):
        return send_picture(data, "image/png")
    raise NotFound


@blueprint.get("/photos/<uuid:photo_id>/lines.svg")
@roles(Role.ADMIN, Role.REVIEWER)
def photo_lines(photo_id: uuid.UUID) -> Response:
    """Send the measured lines: a transparent picture that lies over the standard photo."""
    svg = _get_photo(photo_id).overlay_svg
    if not svg:
        raise NotFound
    return send_picture(svg.encode(), "image/svg+xml")


@blueprint.get("/profile-photos/<uuid:cut_id>.jpg")
@roles(Role.ADMIN, Role.REVIEWER)
def profile_photo(cut_id: uuid.UUID) -> Response:
    """Send a picture that was cut by a photo profile."""
    with get_ctx().db.read() as session:
        cut = session.get(ProfilePhoto, cut_id)
    if cut is None:
        raise NotFound
    _get_photo(cut.photo_id)
    data = _read(cut.file_key)
    note_picture(cut.photo_id, "standard")
    return send_picture(data, "image/jpeg")


def note_picture(photo_id: uuid.UUID, kind: str) -> None:
    """Note in the audit log that the viewer saw a picture of a photo's student."""
    notes: ReadNotes = current_app.extensions["caiji_reads"]
    notes.note_photo(current_viewer(), kind, photo_id)


def _get_photo(photo_id: uuid.UUID) -> Photo:
    with get_ctx().db.read() as session:
        photo = session.get(Photo, photo_id)
        if photo is None:
            raise NotFound
        get_visible(session, current_viewer(), photo.enrolment_id)
        return photo


def _read(key: str | None) -> bytes:
    if key is None:
        raise NotFound
    try:
        return get_ctx().photo_store.get(key)
    except PhotoMissing as error:
        raise NotFound from error


def send_picture(data: bytes, content_type: str) -> Response:
    """Send a picture that may do nothing by itself and that no proxy keeps."""
    response = make_response(data)
    response.headers["Content-Type"] = content_type
    response.headers["Content-Security-Policy"] = IMAGE_POLICY
    response.headers["Cache-Control"] = f"private, max-age={KEPT_S}"
    return response
