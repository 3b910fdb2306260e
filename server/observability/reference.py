"""The reference of the API at ``/docs``: fields, examples and errors of the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from server.errors import CaijiError

Schema = dict[str, Any]

STUDENT_STORIES = (
    *("server.services.student.", "server.services.photo.", "server.services.money.orders."),
    *("server.services.college.codes", "server.services.consent.", "server.services.rights."),
    *("server.services.college.batches", "server.security.", "server.errors", "server.lanes"),
)
"""Where the errors that a phone can meet are raised."""
NOT_FOR_PHONES = {"error", "status_not_found", "release_unexplained", "not_bound"}
ADVICE = {
    401: "重新 wx.login，用新的令牌重试一次",
    402: "先完成缴费",
    403: "显示说明，不重试",
    404: "显示说明，不重试",
    409: "显示说明，重新读取学籍，按 next_step 继续",
    413: "压缩或换一张照片",
    415: "换一张照片",
    422: "请学生改正后再提交",
    429: "等待 Retry-After 秒后再试",
    502: "稍后重试同一请求",
    503: "等待 Retry-After 秒后重试同一请求",
}
ANSWERS = {
    "Successful response": "成功",
    "Not found": "没有找到，或不是本人的",
    "Validation error": "提交的内容不完整或格式不正确",
}
TYPES = {
    "string": "文字",
    "integer": "整数",
    "number": "数字",
    "boolean": "true 或 false",
    "object": "对象",
    "array": "列表",
    "null": "空",
}
FORMATS = {
    "date-time": "时间（ISO 8601）",
    "date": "日期",
    "uuid": "编号（UUID）",
    "binary": "文件",
}
EXAMPLES_BY_NAME: dict[str, Any] = {
    "token": "rN0w…（不透明，原样放进 Authorization）",
    "feature_code": "y0814v",
    "institution": "北京示范大学网络教育学院",
    "mode": "集中采集",
    "capture_policy": "camera_or_album",
    "fee_fen": 2000,
    "amount_fen": 2000,
    "student_no": "20990001",
    "name": "王小明",
    "id_number": "（18 位身份证号，或其他证件号码）",
    "consent_version": "2026-01",
    "batch": "0000-00-00",
    "target_batch": "2026-11-10",
    "next_batch": "2026-11-10",
    "out_trade_no": "CJ20261001000001",
    "data.id_number": "1101**********0000",
    "data.name": "王**",
    "items.id_number": "1101**********0000",
    "items.name": "王**",
    "centre.name": "直属学习中心",
    "contact.name": "教务办公室",
    "contact.phone": "010-00000000",
    "status.value": "not_uploaded",
    "status.label": "未上传",
    "data.next_step": "capture",
    "findings.code": "light.dark",
    "findings.status": "fail",
    "findings.message": "脸部偏暗，请面向窗户或灯光重拍。",
    "findings.value": 0.2,
    "first_findings.code": "light.dark",
    "first_findings.status": "fail",
    "first_findings.message": "脸部偏暗，请面向窗户或灯光重拍。",
    "photo.state": "checked",
    "data.state": "checked",
    "order.state": "open",
    "poll": "/api/v1/photos/01a21b5f-27fc-7684-8772-2789e1af3af7",
    "image": "/api/v1/photos/01a21b5f-27fc-7684-8772-2789e1af3af7/image",
    "overlay": "/api/v1/photos/01a21b5f-27fc-7684-8772-2789e1af3af7/overlay",
    "register_status": "在籍",
    "level": "专升本",
    "major": "法学",
    "source": "camera",
    "timeStamp": "1790812800",
    "nonceStr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    "package": "prepay_id=wx201410272009395522657a690389285100",
    "signType": "RSA",
    "paySign": "oR9d8PuhnIc+YZ8cBHFCwfgpaK9gd7vaRvkYD7rthRAZ…",
}
EXAMPLES_BY_FORMAT = {
    "date-time": "2026-11-10T15:59:59Z",
    "date": "2026-11-10",
    "uuid": "01a21b5f-27fc-7684-8772-2789e1af3af7",
    "binary": "（文件）",
}
SUCCESS = re.compile("2..")


@dataclass(frozen=True)
class FieldLine:
    """One field of a body, named by its path: ``data.photo.findings[].code``."""

    path: str
    type_text: str
    is_required: bool
    description: str
    choices: list[str]


@dataclass(frozen=True)
class Body:
    """A body that is sent or answered."""

    media_type: str
    fields: list[FieldLine]
    example: Any


@dataclass(frozen=True)
class Operation:
    """One call. ``anchor`` is where the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    needs_token: bool
    parameters: list[FieldLine]
    request: Body | None
    answer: Body
    answers: list[tuple[str, str]]


@dataclass(frozen=True)
class ErrorLine:
    """One error that a phone can meet, and what to do then."""

    code: str
    status: int
    message: str
    advice: str


def list_operations(spec: Schema) -> list[Operation]:
    """Return every call of an OpenAPI document."""
    return [
        _describe(spec, path, method, operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    ]


def list_errors() -> list[ErrorLine]:
    """Return the errors of the API by their codes, as the classes that raise them say."""
    found = {
        kind.code: ErrorLine(kind.code, kind.status, kind.message, ADVICE.get(kind.status, ""))
        for kind in _list_kinds(CaijiError)
        if kind.__module__.startswith(STUDENT_STORIES) and kind.code not in NOT_FOR_PHONES
    }
    said = "提交的内容不完整或格式不正确"
    found["invalid_request"] = ErrorLine("invalid_request", 422, said, ADVICE[422])
    return sorted(found.values(), key=lambda line: (line.status, line.code))


def make_anchor(method: str, path: str) -> str:
    """Return the place of a call on the page: ``post-enrolments-enrolment_id-photos``."""
    words = re.findall(r"\w+", path.removeprefix("/api/v1"))
    return "-".join([method.lower(), *words])


def make_example(spec: Schema, schema: Schema, name: str = "", parent: str = "") -> Any:
    """Return a value that fits a schema, telling where the field's name is known."""
    schema = _resolve(spec, schema)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if "properties" in schema:
        return {
            key: make_example(spec, value, key, name) for key, value in schema["properties"].items()
        }
    kind = schema.get("type")
    if kind == "array":
        return [make_example(spec, schema["items"], name, parent)]
    known = EXAMPLES_BY_FORMAT.get(
        schema.get("format", ""),
        EXAMPLES_BY_NAME.get(f"{parent}.{name}", EXAMPLES_BY_NAME.get(name)),
    )
    if known is not None:
        return known
    return {"string": "…", "integer": 1, "number": 0.5, "boolean": False}.get(kind or "", {})


def _list_fields(
    spec: Schema, schema: Schema, prefix: str = "", *, is_required: bool = True
) -> Iterator[FieldLine]:
    """Yield the fields of a schema with all that they hold, references resolved."""
    present = _resolve(spec, schema)
    if prefix:
        yield _make_line(schema, present, prefix, is_required=is_required)
    if present.get("type") == "array":
        inner = _resolve(spec, present["items"])
        if "properties" in inner:
            yield from _list_properties(spec, inner, f"{prefix}[].")
    else:
        yield from _list_properties(spec, present, f"{prefix}." if prefix else "")


def _list_properties(spec: Schema, schema: Schema, prefix: str) -> Iterator[FieldLine]:
    needed = schema.get("required", ())
    for name, value in schema.get("properties", {}).items():
        yield from _list_fields(spec, value, prefix + name, is_required=name in needed)


def _make_line(schema: Schema, present: Schema, path: str, *, is_required: bool) -> FieldLine:
    text = FORMATS.get(present.get("format", "")) or TYPES.get(present.get("type", ""), "任意")
    if any(one.get("type") == "null" for one in schema.get("anyOf", ())):
        text += "，可为 null"
    longest = present.get("maxLength")
    if longest:
        text += f"，最多 {longest} 个字"
    is_own = "description" in schema or "properties" not in present
    description = schema.get("description") or present.get("description", "") if is_own else ""
    choices = [str(one) for one in present.get("enum", ())]
    return FieldLine(path, text, is_required, description.replace("``", ""), choices)


def _resolve(spec: Schema, schema: Schema) -> Schema:
    """Follow references, and of alternatives take the first that is not null."""
    while True:
        if "$ref" in schema:
            schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            return schema


def _describe(spec: Schema, path: str, method: str, operation: Schema) -> Operation:
    answers = operation["responses"]
    sent = operation.get("requestBody")
    good = next(value for status, value in answers.items() if SUCCESS.fullmatch(status))
    return Operation(
        anchor=make_anchor(method, path),
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        needs_token=bool(operation.get("security")),
        parameters=[
            _make_line(one["schema"], one["schema"], one["name"], is_required=one["required"])
            for one in operation.get("parameters", ())
        ],
        request=_make_body(spec, sent) if sent else None,
        answer=_make_body(spec, good),
        answers=[
            (status, ANSWERS.get(value["description"], value["description"]))
            for status, value in answers.items()
        ],
    )


def _make_body(spec: Schema, described: Schema) -> Body:
    media_type, content = next(iter(described["content"].items()))
    schema = content["schema"]
    return Body(media_type, list(_list_fields(spec, schema)), make_example(spec, schema))


def _list_kinds(kind: type[CaijiError]) -> Iterator[type[CaijiError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _list_kinds(one)
