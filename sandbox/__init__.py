"""The simulated WeChat: login, messages, pay v2 and v3, with every fault on request.

Shares no code with the server, so that a mistake of one cannot hide in the other.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from sandbox import libraries
from sandbox.courier import Courier
from sandbox.gate import Gate
from sandbox.ledger import Ledger

MINIPROGRAM = Path(__file__).parent.parent / "miniprogram"


def create_app(
    folder: Path,
    server_url: str = "http://127.0.0.1:8000",
    miniprogram: Path = MINIPROGRAM,
    libraries_folder: Path = libraries.FOLDER,
) -> Flask:
    """Return the application; its keys and ledger live in ``folder``.

    ``/phone`` runs the mini-program whose files lie in ``miniprogram`` with the framework that
    ``sandbox.libraries`` has installed in ``libraries_folder``.
    """
    from sandbox import control, pages, pay_v2, pay_v3, v2_notices, v3_notices, wechat_api

    app = Flask("sandbox")
    app.config["MAX_CONTENT_LENGTH"] = 32 * 1024 * 1024
    app.config["MINIPROGRAM"] = miniprogram
    app.config["LIBRARIES"] = libraries_folder
    ledger = Ledger(folder)
    courier = Courier(ledger)
    gate = Gate(folder, server_url, ledger, courier)
    app.extensions["sandbox"] = gate
    courier.register(
        "v3",
        lambda notice, _attempt, fault: v3_notices.build_v3(gate, notice, fault),
        v3_notices.is_kept,
    )
    courier.register(
        "v2",
        lambda notice, _attempt, fault: v2_notices.build_v2(gate, notice, fault),
        v2_notices.is_kept,
    )
    for module in (control, pages, pay_v2, pay_v3, wechat_api):
        app.register_blueprint(module.blueprint)
    courier.start()
    return app
