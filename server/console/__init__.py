"""Staff web pages. One room a file; importing a room registers its views on the blueprint."""

from server.console import account, dashboard, rendering, sign_in
from server.console.access import blueprint

__all__ = ["account", "blueprint", "dashboard", "rendering", "sign_in"]
