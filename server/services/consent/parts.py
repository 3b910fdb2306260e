"""The parts of a notice (个人信息告知书): what the law wants said, each in a field of its own.

Sources: PIPL, articles 14, 17, 23, 28 to 31, and the measures on face recognition, article 5. A
notice is published only when no part is empty; the text that students read is made of the parts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PHOTO = "photo"
"""The photo itself and 学历注册 with it: given by the version that is named at binding."""
FACES = "faces"
"""Comparing faces (人脸比对): the purpose that needs a consent of its own."""
RECEIVER_KEY = re.compile(r"[a-z][a-z0-9_-]{1,29}")
"""The word of a use or the key of a photo profile: its exports need this consent."""

TEXT_PARTS = {
    "processor": "谁处理",
    "contact": "联系方式",
    "purpose": "处理目的和方式",
    "necessity": "为什么必要",
    "refusal": "不同意会怎样",
    "rights": "本人的权利",
    "withdrawal": "怎样撤回同意",
    "faces": "人脸比对",
    "guardian": "未满 14 周岁",
}
"""Parts of one text each, in the order of the form."""
PERIODS = {
    "identity": "姓名、证件号码",
    "photo": "标准照片",
    "raw_photo": "拍摄的原始照片",
    "chsi_code": "图像采集码",
    "payment": "缴费记录",
    "wechat": "微信标识和登录记录",
    "faces": "人脸特征",
}
"""Kinds of data, each with its own period (保存期限)."""
RECEIVER_PARTS = {
    "name": "名称",
    "contact": "联系方式",
    "purpose": "用途",
    "fields": "提供哪些信息",
    "period": "对方保存多久",
}


@dataclass(frozen=True)
class Receiver:
    """One kind of receiver (接收方). ``key`` names its consent and does not change."""

    key: str
    title: str
    """What a student reads before the switch: 学生证制作."""
    name: str = ""
    contact: str = ""
    purpose: str = ""
    fields: str = ""
    period: str = ""

    @property
    def is_complete(self) -> bool:
        """Nobody can agree to a receiver without a name."""
        return bool(self.title) and all(getattr(self, part) for part in RECEIVER_PARTS)


@dataclass(frozen=True)
class NoticeParts:
    """Everything a notice says. An empty text is a part that is still missing."""

    processor: str = ""
    contact: str = ""
    purpose: str = ""
    necessity: str = ""
    refusal: str = ""
    rights: str = ""
    withdrawal: str = ""
    faces: str = ""
    guardian: str = ""
    periods: dict[str, str] = field(default_factory=dict)
    registration: Receiver = field(default_factory=lambda: Receiver("registration", "学历注册"))
    """Who gets the photo for 学历注册: agreed to with the photo itself."""
    receivers: tuple[Receiver, ...] = ()
    """Everybody else: each is agreed to on its own."""

    def to_json(self) -> dict[str, Any]:
        """Return what a row keeps."""
        return {**asdict(self), "receivers": [asdict(each) for each in self.receivers]}

    def find_receiver(self, key: str) -> Receiver | None:
        """Return the receiver of this key."""
        return next((each for each in self.receivers if each.key == key), None)

    def describe(self, kind: str) -> Any:
        """Return what the notice says about one kind: another answer is another meaning."""
        if kind == FACES:
            return (self.faces, self.periods.get("faces", "")) if self.faces else None
        receiver = self.find_receiver(kind)
        return receiver if receiver and receiver.is_complete else None


def read_parts(kept: Mapping[str, Any]) -> NoticeParts:
    """Return the parts that a row or a file keeps; what is absent or no text is empty."""
    texts = {name: _read_text(kept, name) for name in TEXT_PARTS}
    periods = kept.get("periods")
    receivers = kept.get("receivers")
    registration = kept.get("registration")
    return NoticeParts(
        **texts,
        periods={
            name: _read_text(periods if isinstance(periods, dict) else {}, name) for name in PERIODS
        },
        registration=_read_receiver(registration if isinstance(registration, dict) else {}),
        receivers=tuple(
            _read_receiver(each)
            for each in (receivers if isinstance(receivers, list) else [])
            if isinstance(each, dict)
        ),
    )


def _read_receiver(kept: Mapping[str, Any]) -> Receiver:
    names = ("key", "title", *RECEIVER_PARTS)
    texts = {name: _read_text(kept, name) for name in names}
    texts["key"] = texts["key"] or "registration"
    texts["title"] = texts["title"] or "学历注册"
    return Receiver(**texts)


def _read_text(kept: Mapping[str, Any], name: str) -> str:
    value = kept.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def list_missing(parts: NoticeParts) -> dict[str, str]:
    """Return the empty parts: name of the field and what it is called, in the form's order."""
    missing = {
        name: label for name, label in TEXT_PARTS.items() if not getattr(parts, name).strip()
    }
    for name, label in PERIODS.items():
        if not parts.periods.get(name, "").strip():
            missing[f"period_{name}"] = f"保存期限：{label}"
    for receiver in (parts.registration, *parts.receivers):
        for name, label in RECEIVER_PARTS.items():
            if not getattr(receiver, name).strip():
                missing[f"{receiver.key}_{name}"] = f"接收方“{receiver.title}”的{label}"
    return missing


def render(parts: NoticeParts) -> str:
    """Return the notice as a student reads it; what is missing is left out."""
    lines = ["个人信息告知书", ""]
    headed = (
        ("一、谁处理你的信息", [parts.processor, parts.contact and f"联系方式：{parts.contact}"]),
        ("二、目的和方式", [parts.purpose]),
        ("三、收集什么，保存多久", _render_periods(parts)),
        ("四、为什么必要，不同意会怎样", [parts.necessity, parts.refusal]),
        ("五、提供给谁", _render_receivers(parts)),
        ("六、人脸比对", [parts.faces]),
        ("七、你的权利和撤回", [parts.rights, parts.withdrawal]),
        ("八、未满 14 周岁", [parts.guardian]),
    )
    for head, texts in headed:
        shown = [text for text in texts if text]
        if shown:
            lines += [head, *shown, ""]
    return "\n".join(lines).strip()


def _render_periods(parts: NoticeParts) -> list[str]:
    return [
        f"{label}：{parts.periods[name]}"
        for name, label in PERIODS.items()
        if parts.periods.get(name)
    ]


def _render_receivers(parts: NoticeParts) -> list[str]:
    lines = []
    for receiver in (parts.registration, *parts.receivers):
        if not receiver.is_complete:
            continue
        is_own = receiver is not parts.registration
        ends = "（单独同意，可以不选）" if is_own else "（随照片一并同意）"
        lines.append(
            f"{receiver.title}{ends}：{receiver.name}，联系方式 {receiver.contact}。"
            f"用途：{receiver.purpose}。提供：{receiver.fields}。对方保存：{receiver.period}。"
        )
    return lines
