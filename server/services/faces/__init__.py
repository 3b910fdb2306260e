"""人脸比对: one face under two names, or a face unlike itself; a hint to a reviewer, never more."""

from __future__ import annotations

__all__ = ["check_faces", "encode", "forget", "hints", "references", "run_references", "switch"]
