"""Every fault by name: what can go wrong with a callback, and with our own answers."""

from __future__ import annotations

NOTICE_FAULTS = {
    "duplicate": "the same notice twice, one after the other",
    "parallel": "the same notice twice at the same moment",
    "delay": "the first attempt comes more than 5 s late",
    "drop": "no attempt ever arrives",
    "truncated": "the first attempt's body ends in the middle",
    "reencoded": "the first attempt's body is written anew after signing (v2 signs fields: valid)",
    "wrong_key": "the first attempt is encrypted (v2: signed) with another API key",
    "stale": "the first attempt's timestamp is ten minutes old",
    "future": "the first attempt's timestamp is ten minutes ahead",
    "signtest": "the first attempt is a probe: WECHATPAY/SIGNTEST/ signature",
    "unknown_serial": "the first attempt names a serial that nobody knows",
    "missing_headers": "the first attempt has no signature headers (v2: no sign or req_info)",
    "wrong_amount": "the notice says one fen more",
    "wrong_appid": "the notice is for another mini-program",
    "wrong_mchid": "the notice is for another merchant",
    "wrong_openid": "the notice names another payer",
    "wrong_currency": "the notice is in another currency",
    "result_code_fail": "the notice says that the payment failed",
    "xxe": "the first attempt's body declares an external entity",
    "huge": "the first attempt's body has five megabytes",
    "refund_before_pay": "a refund notice of the order arrives before the payment notice",
    "out_of_order": "the notice waits until the next notice of the order has been sent",
    "rotate_keys": "WeChat begins to sign with its other key just before the notice",
}
GATEWAY_FAULTS = {
    "html_502": "HTML with status 502 instead of an answer",
    "timeout_after_effect": "the call takes effect and its answer comes too late",
    "hang": "no effect and no answer for a long time",
    "slow": "the answer takes three seconds",
    "unsigned": "a good answer without signature",
    "foreign_signature": "a good answer signed with an unknown key",
    "stale_answer": "a good answer whose timestamp is ten minutes old (v3)",
    "probe_answer": "a good answer with a WECHATPAY/SIGNTEST/ signature (v3)",
}
CALLS: tuple[str, ...] = (
    *("prepay", "query", "close", "refund", "query_refund"),
    *("tradebill", "billdownload", "certificates", "echo"),
    *("login", "token", "message"),
)
"""Calls whose answers a gateway fault can spoil; ``*`` means whichever comes next."""
UNSIGNED_CALLS = frozenset({"billdownload", "login", "token", "message"})
OF_SIGNATURE = frozenset({"unsigned", "foreign_signature", "stale_answer", "probe_answer"})
"""Faults that mean nothing where an answer is never signed."""
PERSISTENT = frozenset(
    {
        "wrong_amount",
        "wrong_appid",
        "wrong_mchid",
        "wrong_openid",
        "wrong_currency",
        "result_code_fail",
    }
)
"""Faults of the content: every attempt carries them."""

UNSUITED = {
    "v2": frozenset({"stale", "future", "signtest", "unknown_serial", "rotate_keys"}),
    "v3": frozenset[str](),
}
"""Faults that a version cannot have: v2 knows neither timestamps nor serials nor platform keys."""
UNSUITED_REFUND = frozenset(
    {"wrong_appid", "wrong_openid", "wrong_currency", "result_code_fail", "refund_before_pay"}
)
"""Faults of fields that a refund notice does not have."""
