"""A student at the door: signed in, bound to an enrolment, told where it stands."""

from __future__ import annotations

__all__ = ["allow_messages", "bind", "eligible", "login", "public_status", "release", "view"]
