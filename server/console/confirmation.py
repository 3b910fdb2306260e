"""Acts of weight ask first and say what follows: a page of its own, so that no script is needed."""

from __future__ import annotations

from flask import render_template, request


def is_confirmed() -> bool:
    """Tell whether this POST comes from the page that asked."""
    return request.form.get("confirmed") == "yes"


def ask(title: str, button: str, back: str, *consequences: str) -> str:
    """Return the page that asks: what follows, a button that does it, a link back.

    What the first form held is sent along.
    """
    kept = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in {"csrf_token", "confirmed"}
    ]
    return render_template(
        "console/confirm.html",
        title=title,
        button=button,
        back=back,
        consequences=consequences,
        kept=kept,
        action=request.path,
    )
