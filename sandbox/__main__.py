"""``python -m sandbox``: serves the simulated WeChat on this machine only, or asks it to act."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from werkzeug.serving import make_server

from sandbox import MINIPROGRAM, create_app, libraries
from sandbox.gate import get_gate
from sandbox.keys import load_or_create_keys

HOST = "127.0.0.1"


def main(arguments: list[str] | None = None) -> int:
    """Print the keys or serve; returns the exit status."""
    options = read_arguments(arguments)
    if options.command == "keys":
        print(json.dumps(load_or_create_keys(options.data).describe()))  # noqa: T201
        return 0
    if options.command == "control":
        return control(options)
    return serve(options)


def control(options: argparse.Namespace) -> int:
    """Send one call of the control API to the running sandbox and print its answer."""
    name, *fields = options.words or [""]
    sent = dict(each.partition("=")[::2] for each in fields)
    url = f"http://{HOST}:{options.port}/control/{name}"
    body = {key: text.split(",") if key == "faults" else text for key, text in sent.items()}
    call = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(call, timeout=20) as answer:  # noqa: S310
            text, status = answer.read().decode(), 0
    except urllib.error.HTTPError as error:
        text, status = error.read().decode(), 1
    except OSError as error:
        text, status = f"no sandbox on port {options.port}: {error}", 1
    print(text.strip())  # noqa: T201
    return status


def read_arguments(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line; the environment gives their defaults."""
    parser = argparse.ArgumentParser("sandbox", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["serve", "keys", "control"], default="serve")
    words_help = "control: a call and its fields, as refund-by-hand out_trade_no=CJ…"
    parser.add_argument("words", nargs="*", metavar="WORD", help=words_help)
    parser.add_argument("--port", type=int, default=int(os.environ.get("SANDBOX_PORT", "8001")))
    home = os.environ.get("CAIJI_DATA_DIR") or "var/demo"
    data = os.environ.get("CAIJI_SANDBOX_DATA") or f"{home}/sandbox"
    parser.add_argument("--data", type=Path, default=Path(data))
    server = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    parser.add_argument("--server-url", default=server)
    miniprogram = os.environ.get("CAIJI_MINIPROGRAM", MINIPROGRAM)
    parser.add_argument("--miniprogram", type=Path, default=miniprogram)
    return parser.parse_intermixed_args(arguments)


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    app = create_app(options.data, options.server_url, options.miniprogram)
    server = make_server(HOST, options.port, app, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]

    def stop(_number: int, _frame: object) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"simulated WeChat on http://{HOST}:{options.port}", flush=True)  # noqa: T201
    if not libraries.is_there():
        print(libraries.MISSING, flush=True)  # noqa: T201
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
