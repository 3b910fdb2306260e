"""``flask restore-drill``: tries whether a backup can be restored, beside the running service.

The newest snapshot fills a database and a folder that exist for this trial alone, and is checked
there as ``flask check`` would. What came of it is written into the running database: a dated
record, which 等级保护 asks for.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from models import RestoreDrill
from server.context import Context
from server.db import Database
from server.gateways.photo_store import FolderPhotoStore
from server.services.upkeep.check_integrity import TIME_LIMITS, check_integrity
from server.transfer.report import Progress, TransferRefused, ignore_progress
from server.transfer.restore import restore

FAULT_LENGTH = 200


def drill_restore(
    ctx: Context, folder: Path, *, name: str | None = None, progress: Progress = ignore_progress
) -> RestoreDrill:
    """Restore into a place of its own, check, record, clear away; owns its transaction.

    A backup that cannot be restored is recorded, too: ``fault`` says why.
    """
    started = ctx.now()
    drill = RestoreDrill(
        at=started, snapshot=name or "", row_count=0, photo_count=0, problem_count=0, took_s=0
    )
    with tempfile.TemporaryDirectory(prefix="caiji-drill-") as place:
        trial = _open_trial(ctx, Path(place))
        try:
            snapshot = restore(trial, folder, name=name, progress=progress)
        except TransferRefused as error:
            drill.fault = str(error)[:FAULT_LENGTH]
        else:
            drill.snapshot = snapshot.folder.name
            drill.row_count = sum(int(each["rows"]) for each in snapshot.manifest.tables)
            drill.photo_count = snapshot.manifest.photo_count
            drill.problem_count = sum(
                1 for each in check_integrity(trial) if each.kind not in TIME_LIMITS
            )
        finally:
            trial.db.dispose()
    drill.took_s = round((ctx.now() - started).total_seconds())
    with ctx.db.write() as session:
        session.add(drill)
    return drill


def _open_trial(ctx: Context, place: Path) -> Context:
    """Return the same installation with a database and a photo store that nobody else uses."""
    return dataclasses.replace(
        ctx,
        db=Database(f"sqlite:///{place / 'trial.db'}"),
        photo_store=FolderPhotoStore(place / "photos"),
    )
