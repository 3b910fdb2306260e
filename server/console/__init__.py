"""Staff web pages. One room a file; importing a room registers its views on the blueprint."""

from server.console import (
    account,
    batches,
    centres,
    codes,
    dashboard,
    exports,
    missing,
    photos,
    rendering,
    review,
    roster,
    sign_in,
    staff,
    students,
    wording,
)
from server.console.access import blueprint

__all__ = [
    "account",
    "batches",
    "blueprint",
    "centres",
    "codes",
    "dashboard",
    "exports",
    "missing",
    "photos",
    "rendering",
    "review",
    "roster",
    "sign_in",
    "staff",
    "students",
    "wording",
]
