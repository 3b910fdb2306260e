"""The measured lines alone, to lay over a photo in a browser."""

from __future__ import annotations

from imagecheck import annotate_svg
from imagecheck.analysis import Analysis
from imagecheck.marks import make_marks
from imagecheck.report import Report


def draw_overlay(analysis: Analysis, report: Report) -> str:
    """A transparent SVG to lay over the photo of ``analysis``, in the browser's own fonts."""
    return annotate_svg.render_overlay(make_marks(analysis, report))
