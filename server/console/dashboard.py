"""The first page: how far the collection is."""

from __future__ import annotations

from flask import render_template

from server.console.access import STAFF, blueprint, roles


@blueprint.get("/")
@roles(*STAFF)
def dashboard() -> str:
    """Show the state of the collection."""
    return render_template("console/dashboard.html")
