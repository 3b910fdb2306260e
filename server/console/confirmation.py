"""Acts of weight ask first and say what follows: a page of its own, so that no script is needed."""

from __future__ import annotations

from flask import render_template, request

AGAIN = "password"
"""The field in which somebody gives the password again in the middle of an act."""


def is_confirmed() -> bool:
    """Tell whether this POST comes from the page that asked."""
    return request.form.get("confirmed") == "yes"


def list_kept(*left: str) -> list[tuple[str, str]]:
    """Return what the form holds, without the fields of these names and without a password."""
    return [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in {AGAIN, *left}
    ]


def ask(title: str, button: str, back: str, *consequences: str) -> str:
    """Return the page that asks: what follows, a button that does it, a link back.

    What the first form held is sent along.
    """
    return render_template(
        "console/confirm.html",
        title=title,
        button=button,
        back=back,
        consequences=consequences,
        kept=list_kept("csrf_token", "confirmed"),
        action=request.path,
    )
