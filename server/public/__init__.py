"""The status page for students outside WeChat."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("public", __name__, template_folder="templates")
