"""How a college is set up and kept: institution, centres, feature codes, batches."""

from __future__ import annotations

__all__ = [
    "batch_plans",
    "batches",
    "close_batch",
    "code_picture",
    "codes",
    "contact",
    "edit_batches",
    "edit_centres",
    "edit_codes",
    "merge_centres",
    "own_reasons",
    "seasons",
    "set_up",
    "windows",
]
