"""What students are told about their data and what each agrees to: notice, consents, guardians."""

from __future__ import annotations

__all__ = ["ask", "decide", "guardian", "parts", "publish", "shipped"]
