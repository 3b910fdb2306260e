"""``/phone``: the mini-program in a browser. Everything it does happens in its JavaScript."""

from __future__ import annotations

from flask import Blueprint, render_template


def register(bp: Blueprint) -> None:
    """Add the phone page to the blueprint."""

    @bp.get("/phone")
    def show_phone() -> str:
        return render_template("phone.html")
