"""Whom a student asks who cannot go on: the institution's contact, the same for everybody.

Never the learning centre's: that would tell a guesser which students exist.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from models import Institution
from server.context import Context
from server.errors import CaijiError, ServiceBusy
from server.services.audit import record_audit
from server.services.viewer import Viewer

FIELD_LENGTH = 100


@dataclass(frozen=True)
class Contact:
    """Name, phone and hours; each may be empty."""

    institution: str
    name: str
    phone: str
    hours: str

    @property
    def text(self) -> str:
        """One line for people: ``咨询：教务处，010-12345678，工作日 9:00-17:00``."""
        parts = [part for part in (self.name, self.phone, self.hours) if part]
        return "咨询：" + ("，".join(parts) if parts else f"{self.institution}学籍管理部门")

    def as_data(self) -> dict[str, str]:
        """Return what the API shows."""
        return {**asdict(self), "text": self.text}


def read_contact(institution: Institution) -> Contact:
    """Return the contact of a loaded institution."""
    return Contact(
        institution=institution.name,
        name=institution.contact_name,
        phone=institution.contact_phone,
        hours=institution.contact_hours,
    )


@contextlib.contextmanager
def tell_whom_to_ask(contact: Contact) -> Iterator[None]:
    """Add the contact to every refusal inside: to its message and to its data."""
    try:
        yield
    except ServiceBusy:
        raise
    except CaijiError as error:
        error.shown_message = f"{error.shown_message}。{contact.text}"
        error.data = {**error.data, "contact": contact.as_data()}
        raise


def edit_contact(ctx: Context, viewer: Viewer, *, name: str, phone: str, hours: str) -> None:
    """Change the contact of the viewer's institution. Owns its transaction."""
    with ctx.db.write() as session:
        institution = session.get_one(Institution, viewer.institution_id)
        before = read_contact(institution).text
        institution.contact_name = name
        institution.contact_phone = phone
        institution.contact_hours = hours
        record_audit(
            session,
            viewer,
            "institution.contact",
            at=ctx.now(),
            subject_kind="institution",
            subject_id=institution.id,
            before=before,
            after=read_contact(institution).text,
        )
