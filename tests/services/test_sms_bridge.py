"""The way to a provider's bridge over https, against a small bridge with a certificate."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.gateways.sms import SmsRefused, open_sms
from server.gateways.transport import GatewayUnavailable

TOKEN = "bridge-token"


class Bridge(ThreadingHTTPServer):
    """Keeps what it is sent and answers ``status``."""

    status = 200

    def __init__(self, certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[tuple[str, str, Any]] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_address[1]}/sms?college=1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust us hangs up: nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    server: Bridge

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of 127.0.0.1 in one PEM file, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bridge")])
    now = dt.datetime.now(dt.UTC)
    host = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "bridge.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def bridge(certificate: Path) -> Iterator[Bridge]:
    server = Bridge(certificate)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_bridge_gets_the_message_with_its_reference_and_token(
    bridge: Bridge, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    gateway = open_sms(bridge.url, TOKEN)
    gateway.send("13800138000", "毕业照片还没有采集", reference="a1")
    message = {"phone": "13800138000", "text": "毕业照片还没有采集", "reference": "a1"}
    assert bridge.received == [("/sms?college=1", f"Bearer {TOKEN}", message)]
    for status, error in ((429, GatewayUnavailable), (502, GatewayUnavailable), (400, SmsRefused)):
        bridge.status = status
        with pytest.raises(error):
            gateway.send("13800138000", "x", reference="a2")


def test_bridge_that_nobody_vouches_for_gets_no_number(bridge: Bridge) -> None:
    with pytest.raises(GatewayUnavailable):
        open_sms(bridge.url, TOKEN).send("13800138000", "x", reference="a1")
    assert bridge.received == []


@pytest.mark.parametrize("url", ["http://sms.college.edu.cn/send", "ftp://127.0.0.1/x", "file:x"])
def test_numbers_leave_the_machine_over_https_alone(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        open_sms(url, TOKEN)
