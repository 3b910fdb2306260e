"""The sweeper of exports: personal data does not lie about longer than its week."""

from __future__ import annotations

from server.services.export_jobs import delete_expired_exports
from server.sweepers import Sweeper

EXPORT_SWEEPERS = [Sweeper("delete_expired_exports", 600, delete_expired_exports)]
