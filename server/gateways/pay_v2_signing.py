"""Signatures of pay v2, MD5 or HMAC-SHA256, through wechatpy's two functions.

wechatpy's own checking compares with `==`, knows MD5 only and signs with an empty key without a
word, so comparing and choosing the type is done here.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from wechatpy.pay.utils import calculate_signature, calculate_signature_hmac

from server.gateways.pay import NoticeMalformed, SignatureInvalid
from server.gateways.pay_v3_signing import make_nonce
from server.gateways.transport import silence_library_logs

MD5 = "MD5"
HMAC_SHA256 = "HMAC-SHA256"
SIGN_TYPES = (MD5, HMAC_SHA256)

silence_library_logs()


class PayV2Signer:
    """Signs with the first key and accepts any of them.

    Args:
        keys: APIv2 keys, newest first; none may be empty.
        sign_type: `MD5` or `HMAC-SHA256`; notices are judged under this type only, whatever they
            claim, so that nobody can choose the weaker one.
    """

    def __init__(self, keys: Sequence[str], sign_type: str) -> None:
        if not keys or not all(keys):
            raise ValueError("an APIv2 key is empty")
        if sign_type not in SIGN_TYPES:
            raise ValueError("the sign type is unknown")
        self._keys = tuple(keys)
        self.sign_type = sign_type

    def sign(self, fields: Mapping[str, str]) -> str:
        """Return the signature over all fields that are not empty."""
        return self._sign_with(self._keys[0], fields)

    def verify(self, fields: Mapping[str, str]) -> None:
        """Accept the field `sign` or raise `SignatureInvalid`."""
        given = fields.get("sign", "")
        signed = {name: value for name, value in fields.items() if name != "sign"}
        if not given or not given.isascii():
            raise SignatureInvalid("the message is not signed")
        matches = [hmac.compare_digest(self._sign_with(key, signed), given) for key in self._keys]
        if not any(matches):
            raise SignatureInvalid("the signature is wrong")

    def payment_parameters(
        self, app_id: str, prepay_id: str, now: datetime, nonce: str = ""
    ) -> dict[str, str]:
        """Return the arguments of wx.requestPayment, signed with the order's sign type."""
        signed = {
            "appId": app_id,
            "timeStamp": str(int(now.timestamp())),
            "nonceStr": nonce or make_nonce(),
            "package": f"prepay_id={prepay_id}",
            "signType": self.sign_type,
        }
        public = {name: value for name, value in signed.items() if name != "appId"}
        return public | {"paySign": self.sign(signed)}

    def decrypt_refund_info(self, req_info: str) -> bytes:
        """Decrypt a refund notice: AES-256-ECB, key = lower-case hex MD5 of the APIv2 key."""
        try:
            ciphertext = b64decode(req_info, validate=True)
        except (Base64Error, ValueError):
            raise NoticeMalformed("req_info is no base64") from None
        for key in self._keys:
            try:
                return _decrypt_ecb(ciphertext, key)
            except ValueError:
                continue
        raise SignatureInvalid("req_info does not decrypt with our key")

    def _sign_with(self, key: str, fields: Mapping[str, str]) -> str:
        calculate = calculate_signature if self.sign_type == MD5 else calculate_signature_hmac
        return str(calculate(dict(fields), key))


def _decrypt_ecb(ciphertext: bytes, api_key: str) -> bytes:
    """Decrypt and unpad; raises ValueError when the key does not fit."""
    key = hashlib.md5(api_key.encode(), usedforsecurity=False).hexdigest().encode()
    # WeChat defines ECB for this one message; we only ever read it
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()
