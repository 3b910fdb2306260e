"""``python -m sandbox``: serves the simulated WeChat on this machine only."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from werkzeug.serving import make_server

from sandbox import create_app
from sandbox.gate import get_gate
from sandbox.keys import load_or_create_keys

HOST = "127.0.0.1"


def main(arguments: list[str] | None = None) -> int:
    """Print the keys or serve; returns the exit status."""
    options = read_arguments(arguments)
    if options.command == "keys":
        print(json.dumps(load_or_create_keys(options.data).describe()))  # noqa: T201
        return 0
    return serve(options.data, options.port, options.server_url)


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line; the environment gives their defaults."""
    parser = argparse.ArgumentParser("sandbox", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["serve", "keys"], default="serve")
    parser.add_argument("--port", type=int, default=int(os.environ.get("SANDBOX_PORT", "8001")))
    data = os.environ.get("CAIJI_SANDBOX_DATA", "var/demo/sandbox")
    parser.add_argument("--data", type=Path, default=Path(data))
    server = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    parser.add_argument("--server-url", default=server)
    return parser.parse_args(arguments)


def serve(folder: Path, port: int, server_url: str) -> int:
    """Serve until SIGTERM or SIGINT."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = create_app(folder, server_url)
    server = make_server(HOST, port, app, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]

    def stop(_number: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"simulated WeChat on http://{HOST}:{port}", flush=True)  # noqa: T201
    server.serve_forever()
    with app.app_context():
        get_gate().courier.stop()
        get_gate().ledger.close()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Deliveries in hand must not keep the process alive.
    os._exit(status)
