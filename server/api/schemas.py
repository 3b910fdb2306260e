"""What goes over the wire: the pydantic schemas of the API, and how rows become them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class Envelope(BaseModel, Generic[T]):
    """Every good answer: ``{"code": 0, "data": …}``."""

    code: Literal[0] = 0
    data: T


class ErrorBody(BaseModel):
    """Every other answer."""

    code: str = Field(description="stable reason in snake_case")
    message: str = Field(description="Chinese text for people")
    request_id: str
    data: dict[str, Any] | None = Field(
        default=None,
        description="what a client needs to go on, where there is something: ``tries_left`` "
        "(wrong identity checks that are left), ``contact`` (whom to ask at the institution)",
    )


class LoginIn(BaseModel):
    """What wx.login gave the phone."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class LoginOut(BaseModel):
    """Our bearer token."""

    token: str
    expires_at: dt.datetime


class ConsentOut(BaseModel):
    """The text that the student agrees to."""

    version: str
    text: str


class PhotoRequirementsOut(BaseModel):
    """What a photo must be, for the page before the camera opens."""

    max_bytes: int
    types: list[str]
    width_px: int
    height_px: int
    tips: list[str]


class ContactOut(BaseModel):
    """Whom to ask at the institution; each part may be empty, ``text`` never is."""

    institution: str
    name: str
    phone: str
    hours: str
    text: str = Field(description="one line to show")


class CodeOut(BaseModel):
    """What a feature code opens."""

    feature_code: str
    institution: str
    mode: str
    fee_fen: int
    pay_first: bool
    capture_policy: str = Field(
        description="``camera_or_album``, or ``camera_only``: offer no album then"
    )
    opens_at: dt.datetime | None
    closes_at: dt.datetime | None
    is_open: bool
    next_cutoff_at: dt.datetime | None
    next_batch: str | None
    daily_submissions: int
    photo: PhotoRequirementsOut
    consent: ConsentOut
    contact: ContactOut


class GuardianIn(BaseModel):
    """Who agrees for a student under 14."""

    name: ShortText
    relation: ShortText = Field(description="父亲、母亲 or 其他监护人")


class BindIn(BaseModel):
    """Proof of identity against the roster."""

    feature_code: ShortText
    name: ShortText
    id_number: ShortText
    consent_version: ShortText = Field(
        description="of the notice that was shown: consent to the photo and 学历注册"
    )
    guardian: GuardianIn | None = Field(
        default=None, description="only for who is under 14: asked for by ``guardian_needed``"
    )


class StatusOut(BaseModel):
    """A status with its Chinese label."""

    value: str
    label: str


class CentreOut(BaseModel):
    """The learning centre to ask."""

    name: str
    contact: str


class FindingOut(BaseModel):
    """One thing that is not a pass (PHOTO_SPEC §3)."""

    model_config = ConfigDict(extra="allow")

    code: str
    status: str
    value: Any = None
    limit: Any = Field(default=None, description="the allowed band or bound, in ``unit``")
    unit: str | None = None
    clause: str | None = None
    message: str = Field(description="one sentence: what is wrong and what to do")
    message_en: str | None = None
    details: str = Field(default="", description="the measured number and what is allowed")
    details_en: str = ""


class ChangeOut(BaseModel):
    """One thing that was done to a photo beyond cropping and scaling it."""

    code: str = Field(description="``wall``: it got a standard colour; ``turned``: set upright")
    value: str
    message: str
    message_en: str


class PhotoOut(BaseModel):
    """One submission and what imagecheck says about it."""

    id: uuid.UUID
    state: str
    verdict: Literal["pass", "warn", "fail"] | None
    findings: list[FindingOut]
    first_findings: list[FindingOut] = Field(
        description="at most three, in the order in which to fix them"
    )
    changes: list[ChangeOut] = Field(description="what was done to the photo to make it standard")
    unfinished: bool = Field(
        description="the check did not end, so there is no verdict: the same bytes may come again"
    )
    measurements: dict[str, Any]
    submitted_at: dt.datetime
    checked_at: dt.datetime | None
    source: str = Field(description="``camera``, ``album``, or empty where the client said none")
    can_change: bool = Field(
        description="it may be replaced or withdrawn: no reviewer has opened or decided it"
    )
    image: str | None = Field(description="address of the 480x640 standard photo")
    overlay: str | None = Field(description="address of the measured lines as SVG")
    poll: str | None = Field(description="where to ask again while there is no verdict")
    estimate_s: int | None = Field(description="seconds until the verdict, as measured now")


class OrderBrief(BaseModel):
    """The newest order of an enrolment."""

    out_trade_no: str
    state: str
    amount_fen: int
    paid_at: dt.datetime | None


class ReviewOut(BaseModel):
    """The last decision of a reviewer."""

    decision: str
    reasons: list[str]
    reason_texts: list[str] = Field(description="the reasons in words for the student")
    note: str
    at: dt.datetime


class HistoryOut(BaseModel):
    """One step of the collection status."""

    at: dt.datetime
    status: StatusOut


class OtherEnrolmentOut(BaseModel):
    """Another programme of the same person, bound to the same user: the student chooses."""

    id: uuid.UUID
    student_no: str
    level: str
    major: str
    status: StatusOut
    next_step: str


class ChsiCodeIn(BaseModel):
    """What wx.scanCode gave for the 图像采集码: taken as it is, never read."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=2900)]


class ChsiResultOut(BaseModel):
    """What the collecting unit or 学信网 said of the photo."""

    value: Literal["reported", "visible", "wrong"]
    label: str
    day: dt.date


class ChsiOut(BaseModel):
    """Where the enrolment stands with its 图像采集码; the code itself is never answered."""

    policy: Literal["off", "wanted", "required"]
    state: Literal["off", "missing", "present", "waived", "ended"]
    label: str
    at: dt.datetime | None = Field(description="when it was given, or waived")
    source: Literal["scan", "picture", ""]
    can_remove: bool = Field(
        description="false where the photo was handed in with it: it may be exchanged then"
    )
    new_photo_from: dt.date | None = Field(
        description="photos of before this day will be too old for 学信网; null: any counts"
    )
    needs_new_photo: bool = Field(
        description="the present photo was taken more than a year before the expected graduation"
    )
    results: list[ChsiResultOut] = Field(description="the newest first; empty: none came yet")


class EnrolmentOut(BaseModel):
    """One enrolment; the person's data is masked."""

    id: uuid.UUID
    institution: str
    student_no: str
    name: str
    id_number: str
    level: str
    major: str
    centre: CentreOut
    register_status: str
    eligible: bool
    status: StatusOut
    batch: str
    target_batch: str | None
    target_cutoff_at: dt.datetime | None
    next_step: Literal[
        "capture",
        "wait_check",
        "chsi_code",
        "pay",
        "wait_money",
        "wait_review",
        "recapture",
        "done",
    ]
    chsi: ChsiOut
    fee_fen: int
    fee_settled: bool
    feature_code: str | None
    photo: PhotoOut | None
    order: OrderBrief | None
    last_review: ReviewOut | None
    history: list[HistoryOut]
    contact: ContactOut = Field(description="whom to ask at the institution")
    others: list[OtherEnrolmentOut] = Field(
        description="the user's other enrolments at this institution: offer the choice where "
        "the list is not empty, and go on with ``GET /enrolments/{id}``"
    )


class EnrolmentList(BaseModel):
    """All enrolments of the user."""

    items: list[EnrolmentOut]


class PaymentParameters(BaseModel):
    """The arguments of wx.requestPayment; all strings."""

    timeStamp: str  # noqa: N815 - WeChat's own names
    nonceStr: str  # noqa: N815
    package: str
    signType: str  # noqa: N815
    paySign: str  # noqa: N815


class OrderOut(BaseModel):
    """An open order and how to pay it."""

    out_trade_no: str
    amount_fen: int
    state: str
    expires_at: dt.datetime
    payment: PaymentParameters


class OrderStateOut(BaseModel):
    """Where an order stands."""

    out_trade_no: str
    state: Literal[
        "open", "paid", "closed", "refunding", "refunded", "partly_refunded", "quarantined"
    ]
    amount_fen: int
    paid_at: dt.datetime | None
    enrolment_id: uuid.UUID
    next_step: str


class AllowMessagesIn(BaseModel):
    """Which subscribe messages the student has just allowed (one tap, one message each)."""

    templates: list[ShortText] = Field(max_length=10)


class LoginAnswer(Envelope[LoginOut]):
    """Answer of the login."""


class CodeAnswer(Envelope[CodeOut]):
    """Answer of the code look-up."""


class EnrolmentAnswer(Envelope[EnrolmentOut]):
    """Answer with one enrolment."""


class EnrolmentListAnswer(Envelope[EnrolmentList]):
    """Answer with all enrolments."""


class PhotoAnswer(Envelope[PhotoOut]):
    """Answer with one photo."""


class OrderAnswer(Envelope[OrderOut]):
    """Answer with payment parameters."""


class OrderStateAnswer(Envelope[OrderStateOut]):
    """Answer with an order's state."""
