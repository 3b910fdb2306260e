"""现场采集: staff photograph a student who stands before them, or bring a photographer's files."""

from __future__ import annotations

__all__ = ["folder", "run_folder", "shot_list", "take"]
