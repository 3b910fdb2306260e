"""``miniprogram/types/api.d.ts``: the API's answers as types, made from our OpenAPI document.

python -m tests.miniprogram.api_types     # make types
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, cast

from apiflask import APIFlask
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from server.app import create_app
from server.settings import load_settings
from server.wiring import build_context
from tests.miniprogram.tools import PROGRAM, command

TYPES = PROGRAM / "types" / "api.d.ts"
HEAD = "// Made from the server's OpenAPI document by `make types`: do not edit.\n"


def read_document(folder: Path) -> dict[str, Any]:
    """Return the OpenAPI document of a server that never starts; ``folder`` takes its keys."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    settings = load_settings(
        demo=True,
        data_dir=folder,
        secret_key="s" * 40,
        field_keys=f"k1={base64.b64encode(b'f' * 32).decode()}",
        index_key=base64.b64encode(b"i" * 32).decode(),
        wechat_app_id="wxsandbox00000001",
        wechat_app_secret="a" * 32,
        pay_mch_id="1900000109",
        pay_v3_key="v" * 32,
        pay_v2_key="w" * 32,
        pay_merchant_serial="5157F09EFDC096DE15EBE81A47057A7200000000",
        pay_merchant_key_file=str(private),
        pay_verify_keys=f"PUB_KEY_ID_0119={public}",
    )
    app = cast("APIFlask", create_app(ctx=build_context(settings)))
    with app.app_context():
        return cast("dict[str, Any]", json.loads(json.dumps(app.spec, default=str)))


def make_types(folder: Path) -> str:
    """Return the text of ``api.d.ts`` as it should be now."""
    document = folder / "openapi.json"
    document.write_text(json.dumps(read_document(folder), sort_keys=True), encoding="utf-8")
    out = folder / "api.d.ts"
    subprocess.run(
        [*command("openapi-typescript"), str(document), "--output", str(out)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return HEAD + out.read_text(encoding="utf-8")


def main() -> None:
    """Write the file anew."""
    with tempfile.TemporaryDirectory() as folder:
        TYPES.write_text(make_types(Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
