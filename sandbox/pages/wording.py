"""Chinese words for what the gateway's page shows; the API keeps the names themselves."""

from __future__ import annotations

ORDER_STATES = {"NOTPAY": "未支付", "SUCCESS": "已支付", "REFUND": "有退款", "CLOSED": "已关闭"}
REFUND_STATES = {
    "PROCESSING": "处理中",
    "SUCCESS": "退款成功",
    "ABNORMAL": "退款异常",
    "CLOSED": "退款关闭",
}
NOTICE_KINDS = {"payment": "支付通知", "refund": "退款通知"}
FAULTS = {
    "duplicate": "重复：同一通知先后发两次",
    "parallel": "并发：同一通知同时发两次",
    "delay": "迟到：首次通知晚 6 秒",
    "drop": "丢失：通知一次也不发",
    "truncated": "截断：首次通知的正文只有一半",
    "reencoded": "改写：签名后重新编码正文",
    "wrong_key": "密钥错：用别的 API 密钥加密（v2 签名）",
    "stale": "过期：时间戳早 10 分钟",
    "future": "超前：时间戳晚 10 分钟",
    "signtest": "探测：WECHATPAY/SIGNTEST/ 签名",
    "unknown_serial": "未知证书序列号",
    "missing_headers": "缺少签名",
    "wrong_amount": "金额多 1 分",
    "wrong_appid": "别的小程序 appid",
    "wrong_mchid": "别的商户号",
    "wrong_openid": "别的付款人",
    "wrong_currency": "别的货币",
    "result_code_fail": "支付失败（result_code=FAIL）",
    "xxe": "正文带外部实体（XXE）",
    "huge": "正文 5 MB",
    "refund_before_pay": "支付通知之前先到退款通知",
    "out_of_order": "乱序：等该订单的下一个通知之后再发",
    "rotate_keys": "换钥：通知前改用另一把平台密钥",
    "html_502": "应答变成 HTML 502",
    "timeout_after_effect": "已生效，但应答超时",
    "hang": "不生效，也不应答（30 秒）",
    "slow": "应答慢 3 秒",
    "unsigned": "应答没有签名",
    "foreign_signature": "应答由未知密钥签名",
    "stale_answer": "应答的时间戳早 10 分钟",
    "probe_answer": "应答是探测签名（SIGNTEST）",
}
CALLS = {
    "*": "任何一次调用",
    "prepay": "下单",
    "query": "查询订单",
    "close": "关闭订单",
    "refund": "申请退款",
    "query_refund": "查询退款",
    "tradebill": "申请账单",
    "billdownload": "下载账单",
    "certificates": "平台证书",
    "echo": "自检",
    "login": "登录凭证校验",
    "token": "接口凭证",
    "message": "订阅消息",
}
CLOCK_STEPS = (
    (15, "15 秒"),
    (180, "3 分钟"),
    (1800, "30 分钟"),
    (7200, "2 小时"),
    (86400, "1 天"),
)
DONE = {
    "pay": "已支付，通知正在发送",
    "again": "这笔订单已支付，通知再发一次",
    "cancel": "学生关掉了支付窗口，订单没有变化",
    "refund": "退款有了结果，通知正在发送",
    "by_hand": "已在商户平台退款，通知正在发送",
    "elsewhere": "食堂卖出了一份，它在当天的账单里",
    "clock": "虚拟时钟已推进",
    "arm": "故障已布置，下一次调用生效",
    "disarm": "所有布置的故障已撤销",
    "rotate": "已改用另一把平台密钥签名",
    "allow": "已记下用户的允许",
}


def show_yuan(fen: int) -> str:
    """Return an amount as people read it."""
    return f"¥{fen / 100:.2f}"


def show_fault(name: str | None) -> str:
    """Return the Chinese words for a fault of a delivery; several are joined by +."""
    return "、".join(FAULTS.get(part, part) for part in (name or "").split("+") if part)
