"""Signatures of v3: published vectors, an independent peer, and the rules of the clock."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from wechatpayv3 import utils as peer

from benchmarks.rig.wechat_side import (
    MERCHANT_SERIAL,
    PUBLIC_KEY_ID,
    V3_KEY,
    WechatSide,
    make_key,
    public_pem,
)
from server.gateways.pay import Misfit, NoticeMalformed, SignatureInvalid
from server.gateways.pay_v3_notice import decrypt_resource
from server.gateways.pay_v3_notice import read_notice as read_v3_notice
from server.gateways.pay_v3_signing import RequestSigner, SignatureVerifier, sign

NOW = dt.datetime(2026, 11, 24, 2, 0, 0, tzinfo=dt.UTC)
BODY = b'{"id":"EV-1"}'

# Source: github.com/wechatpay-apiv3/wechatpay-go, utils/sign_test.go: the testing key of the
# official Go SDK and its expected signature over the six bytes "source".
PUBLISHED_KEY = """
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDZUJN33V+dSfvd
fL0Mu+39XrZNXFFMQSy1V15FpncHeV47SmV0TzTqZc7hHB0ddqAdDi8Z5k3TKqb7
6sOwYr5TcAfuR6PIPaleyE0/0KrljBum2Isa2Nyq7Dgc3ElBQ6YN4l/a+DpvKaz1
FSKmKrhLNskqokWVSlu4g8OlKlbPXQ9ibII14MZRQrrkTmHYHzfi7GXXM0thAKuR
0HNvyhTHBh4/lrYM3GaMvmWwkwvsMavnOex6+eioZHBOb1/EIZ/LzC6zuHArPpyW
3daGaZ1rtQB1vVzTyERAVVFsXXgBHvfFud3w3ShsJYk8JvMwK2RpJ5/gV0QSARcm
LDRUAlPzAgMBAAECggEBAMc7rDeUaXiWv6bMGbZ3BTXpg1FhdddnWUnYE8HfX/km
OFI7XtBHXcgYFpcjYz4D5787pcsk7ezPidAj58zqenuclmjKnUmT3pfbI5eCA2v4
C9HnbYDrmUPK1ZcADtka4D6ScDccpNYNa1g2TFHzkIrEa6H+q7S3O2fqxY/DRVtN
0JIXalBb8daaqL5QVzSmM2BMVnHy+YITJWIkP2a3pKs9C0W65JGDsnG0wVrHinHF
+cnhFZIbaPEI//DAFMc9NkrWOKVRTEgcCUxCFaHOZVNxDWZD7A2ZfJB2rK6eg//y
gEiFDR2h6mTaDowMB4YF2n2dsIO4/dCG8vPHI20jn4ECgYEA/ZGu6lEMlO0XZnam
AZGtiNgLcCfM/C2ZERZE7QTRPZH1WdK92Al9ndldsswFw4baJrJLCmghjF/iG4zi
hhBvLnOLksnZUfjdumxoHDWXo2QBWbI5QsWIE7AuTiWgWj1I7X4fCXSQf6i+M/y2
6TogQ7d0ANpZFyOkTNMn/tiJvLECgYEA22XqlamG/yfAGWery5KNH2DGlTIyd6xJ
WtJ9j3jU99lZ0bCQ5xhiBbU9ImxCi3zgTsoqLWgA/p00HhNFNoUcTl9ofc0G3zwT
D1y0ZzcnVKxGJdZ6ohW52V0hJStAigtjYAsUgjm7//FH7PiQDBDP1Wa6xSRkDQU/
aSbQxvEE8+MCgYEA3bb8krW7opyM0XL9RHH0oqsFlVO30Oit5lrqebS0oHl3Zsr2
ZGgoBlWBsEzk3UqUhTFwm/DhJLTSJ/TQPRkxnhQ5/mewNhS9C7yua7wQkzVmWN+V
YeUGTvDGDF6qDz12/vJAgSwDDRym8x4NcXD5tTw7mmNRcwIfL22SkysThIECgYAV
BgccoEoXWS/HP2/u6fQr9ZIR6eV8Ij5FPbZacTG3LlS1Cz5XZra95UgebFFUHHtC
EY1JHJY7z8SWvTH8r3Su7eWNaIAoFBGffzqqSVazfm6aYZsOvRY6BfqPHT3p/H1h
Tq6AbBffxrcltgvXnCTORjHPglU0CjSxVs7awW3AEQKBgB5WtaC8VLROM7rkfVIq
+RXqE5vtJfa3e3N7W3RqxKp4zHFAPfr82FK5CX2bppEaxY7SEZVvVInKDc5gKdG/
jWNRBmvvftZhY59PILHO2X5vO4FXh7suEjy6VIh0gsnK36mmRboYIBGsNuDHjXLe
BDa+8mDLkWu5nHEhOxy2JJZl
"""
PUBLISHED_SIGNATURE = (
    "BKyAfU4iMCuvXMXS0Wzam3V/cnxZ+JaqigPM5OhljS2iOT95OO6Fsuml2JkFANJU9K6q9bLlDhPXuoV"
    "z+pp4hAm6pHU4ld815U4jsKu1RkyaII+1CYBUYC8TK0XtJ8FwUXXz8vZHh58rrAVN1XwNyvD1vfpxrMT4SL536GLwvpUHlC"
    "qIMzoZUguLli/K8V29QiOhuH6IEqLNJn8e9b3nwNcQ7be3CzYGpDAKBfDGPCqCv8Rw5zndhlffk2FEA70G4hvMwe51qMN/R"
    "AJbknXG23bSlObuTCN7Ndj1aJGH6/L+hdwfLpUtJm4QYVazzW7DFD27EpSQEqA8bX9+8m1rLg=="
)


@pytest.fixture
def side() -> WechatSide:
    return WechatSide()


@pytest.fixture
def verifier(side: WechatSide) -> SignatureVerifier:
    return SignatureVerifier({PUBLIC_KEY_ID: side.platform_key.public_key()})


def test_signature_equals_the_published_one() -> None:
    # put together here, so that no scanner takes the public testing key for a lost one
    pem = f"-----BEGIN {'PRIVATE'} KEY-----{PUBLISHED_KEY}-----END {'PRIVATE'} KEY-----\n"
    key = load_pem_private_key(pem.encode(), None)
    assert sign(key, b"source") == PUBLISHED_SIGNATURE  # type: ignore[arg-type]


def test_decryption_gives_the_published_plaintext() -> None:
    # Source: wechatpay-go, utils/aes_test.go ("decrypt success")
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": "wCq51qZv4Yfg",
        "associated_data": "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
        "ciphertext": "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
    }
    assert decrypt_resource(resource, [b"testAPIv3Key0000"]) == b"Hello World"


def test_authorization_header_is_accepted_by_the_peer(side: WechatSide) -> None:
    signer = RequestSigner("1900000109", MERCHANT_SERIAL, side.merchant_key)
    body = '{"description":"毕业生图像采集费"}'.encode()
    header = signer.authorization("POST", "/v3/pay/transactions/jsapi", body, NOW, "NONCE")
    signature = header.split('signature="')[1].split('"')[0]
    message = f"POST\n/v3/pay/transactions/jsapi\n{int(NOW.timestamp())}\nNONCE\n"
    expected = peer.rsa_sign(side.merchant_key, f"{message}{body.decode()}\n")
    assert signature == expected
    assert header.startswith('WECHATPAY2-SHA256-RSA2048 mchid="1900000109",nonce_str="NONCE"')
    assert f'serial_no="{MERCHANT_SERIAL}"' in header


def test_payment_parameters_are_strings_and_signed_over_the_four_lines(side: WechatSide) -> None:
    signer = RequestSigner("1900000109", MERCHANT_SERIAL, side.merchant_key)
    got = signer.payment_parameters("wxapp", "wx2611", NOW, "NONCE")
    assert got["timeStamp"] == str(int(NOW.timestamp()))
    assert got["package"] == "prepay_id=wx2611"
    assert got["signType"] == "RSA"
    text = f"wxapp\n{got['timeStamp']}\nNONCE\nprepay_id=wx2611\n"
    assert got["paySign"] == peer.rsa_sign(side.merchant_key, text)
    assert set(got) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}


def test_peer_and_we_judge_a_genuine_notice_alike(
    side: WechatSide, verifier: SignatureVerifier
) -> None:
    headers = side.sign_headers(BODY, NOW)
    verifier.verify(headers, BODY, NOW)
    assert peer.rsa_verify(
        headers["Wechatpay-Timestamp"],
        headers["Wechatpay-Nonce"],
        BODY.decode(),
        headers["Wechatpay-Signature"],
        peer.load_public_key(public_pem(side.platform_key).decode()),
    )


@pytest.mark.parametrize("seconds", [-299, -1, 0, 1, 299])
def test_clock_difference_below_300_s_is_accepted(
    side: WechatSide, verifier: SignatureVerifier, seconds: int
) -> None:
    headers = side.sign_headers(BODY, NOW + dt.timedelta(seconds=seconds))
    verifier.verify(headers, BODY, NOW)


@pytest.mark.parametrize("seconds", [-86400, -301, -300, 300, 301, 86400])
def test_clock_difference_from_300_s_on_is_refused(
    side: WechatSide, verifier: SignatureVerifier, seconds: int
) -> None:
    headers = side.sign_headers(BODY, NOW + dt.timedelta(seconds=seconds))
    with pytest.raises(SignatureInvalid, match="clock"):
        verifier.verify(headers, BODY, NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Wechatpay-Timestamp", ""),
        ("Wechatpay-Timestamp", "-5"),
        ("Wechatpay-Timestamp", "١٢٣"),
        ("Wechatpay-Timestamp", "9" * 40),
        ("Wechatpay-Nonce", ""),
        ("Wechatpay-Nonce", "another"),
        ("Wechatpay-Signature", ""),
        ("Wechatpay-Signature", "not base64 !"),
        ("Wechatpay-Signature", base64.b64encode(b"x" * 256).decode()),
        ("Wechatpay-Serial", ""),
        ("Wechatpay-Serial", "PUB_KEY_ID_9999999999"),
        ("Wechatpay-Serial", PUBLIC_KEY_ID.lower()),
    ],
)
def test_changed_header_is_refused(
    side: WechatSide, verifier: SignatureVerifier, name: str, value: str
) -> None:
    headers = side.sign_headers(BODY, NOW) | {name: value}
    with pytest.raises(SignatureInvalid):
        verifier.verify(headers, BODY, NOW)


@pytest.mark.parametrize(
    "body", [BODY + b" ", BODY[:-1], json.dumps(json.loads(BODY), indent=1).encode(), b""]
)
def test_changed_body_is_refused(
    side: WechatSide, verifier: SignatureVerifier, body: bytes
) -> None:
    with pytest.raises(SignatureInvalid):
        verifier.verify(side.sign_headers(BODY, NOW), body, NOW)


def test_probe_of_wechat_fails_like_any_forgery_but_is_marked(
    side: WechatSide, verifier: SignatureVerifier
) -> None:
    headers = side.sign_headers(BODY, NOW)
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]
    with pytest.raises(SignatureInvalid) as refusal:
        verifier.verify(headers, BODY, NOW)
    assert refusal.value.is_probe


def test_old_and_new_key_are_accepted_during_a_migration(side: WechatSide) -> None:
    other = make_key("next")
    verifier = SignatureVerifier(
        {PUBLIC_KEY_ID: side.platform_key.public_key(), "7A7B": other.public_key()}
    )
    verifier.verify(side.sign_headers(BODY, NOW), BODY, NOW)
    verifier.verify(side.sign_headers(BODY, NOW, serial="7A7B", key=other), BODY, NOW)
    with pytest.raises(SignatureInvalid):
        verifier.verify(side.sign_headers(BODY, NOW, serial="7A7B"), BODY, NOW)


def test_old_and_new_api_key_decrypt_during_a_rotation(side: WechatSide) -> None:
    new_key = "N" * 32
    keys = [new_key.encode(), V3_KEY.encode()]
    for key in (V3_KEY, new_key):
        body = side.v3_notice(side.v3_payment("CJ20261124000000AAAA", "openid-1"), key=key)
        assert read_v3_notice(body, keys).event is not None
    with pytest.raises(NoticeMalformed):
        read_v3_notice(side.v3_notice(side.v3_payment("CJ1", "o"), key="X" * 32), keys)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{" * 5000,
        b'{"a":' * 5000,
        b'{"id":"1"}',
        b'{"id":"1","event_type":"TRANSACTION.SUCCESS"}',
        b'{"id":"1","event_type":"TRANSACTION.SUCCESS","resource":{"algorithm":"none"}}',
        b'{"id":1,"event_type":"TRANSACTION.SUCCESS"}',
    ],
)
def test_signed_nonsense_is_malformed_and_nothing_worse(body: bytes) -> None:
    with pytest.raises(NoticeMalformed):
        read_v3_notice(body, [V3_KEY.encode()])


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"total": True}},
        {"amount": {"total": -1}},
        {"amount": {"total": "2000"}},
        {"amount": None},
        {"payer": "x"},
        {"trade_state": "WON"},
        {"transaction_id": ""},
        {"out_trade_no": "x" * 500},
        {"success_time": "yesterday"},
        {"success_time": "2026-11-24T10:00:00"},
    ],
)
def test_payment_with_an_impossible_field_is_a_misfit(
    side: WechatSide, change: dict[str, object]
) -> None:
    body = side.v3_notice(side.v3_payment("CJ1", "o") | change)
    assert isinstance(read_v3_notice(body, [V3_KEY.encode()]).event, Misfit)
