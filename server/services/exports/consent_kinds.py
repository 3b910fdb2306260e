"""Which consent a use needs: the photo's own where the college uses it, else a receiver's."""

from __future__ import annotations

from server.services.consent.parts import PHOTO

KINDS = {
    "registration": PHOTO,
    "register_card": PHOTO,
    "moe-2017": PHOTO,
    "student-card": "student_card",
    "campus-card": "student_card",
    "exam-face": "online_exam",
}
"""Uses and shipped profiles whose consent has another name."""
DEGREE = "degree"


def find_kind(name: str) -> str:
    """Return the consent that a use, or the profile of a key, needs: its own name mostly."""
    return DEGREE if name.startswith(DEGREE) else KINDS.get(name, name)
