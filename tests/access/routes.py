"""Every route of the application, and who may use it. Written by hand, not read from the code.

A new route is added here, or the suite fails. ``may`` names the roles that get in; everybody else
is sent to sign in or gets 403. ``thing`` is the kind of object in the path: staff of another
college, or of another centre, get 404 for it, students other than its owner, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ALL = "admin reviewer centre finance"


@dataclass(frozen=True)
class Row:
    """Who may use a route of the console."""

    may: str
    thing: str = ""
    """The object in the path, a key of ``Busy.things``; empty where there is none."""
    of_centres: bool = False
    """The object belongs to a learning centre: staff of another centre get 404."""
    owner: str = ""
    """Only this account may; other permitted roles get 404."""
    form: dict[str, Any] = field(default_factory=dict)
    answer: int = 0
    """The only right answer for those who may; 0: anything that is no refusal."""
    ends_session: bool = False
    asks_wechat: bool = False
    """May answer 503: no WeChat is there in a test."""


CONSOLE: dict[str, Row] = {
    "GET /console/": Row(ALL),
    "GET /console/progress": Row(ALL),
    "GET /console/students": Row(ALL),
    "GET /console/students/<uuid:enrolment_id>": Row(ALL, "enrolment", of_centres=True),
    "POST /console/students/<uuid:enrolment_id>/correct": Row("admin", "collected"),
    "GET /console/missing": Row("admin centre"),
    "GET /console/missing.csv": Row("admin centre"),
    "POST /console/missing/remind": Row("admin centre"),
    "GET /console/photos/<uuid:photo_id>/standard.jpg": Row(
        "admin reviewer centre", "photo", of_centres=True
    ),
    "GET /console/photos/<uuid:photo_id>/original": Row("admin reviewer", "photo"),
    "GET /console/photos/<uuid:photo_id>/lines.svg": Row("admin reviewer", "photo"),
    "GET /console/review": Row("admin reviewer"),
    "GET /console/review/next": Row("admin reviewer"),
    "GET /console/review/sheet": Row("admin reviewer"),
    "POST /console/review/sheet": Row("admin reviewer"),
    "GET /console/review/<uuid:photo_id>": Row("admin reviewer", "photo"),
    "POST /console/review/<uuid:photo_id>/approve": Row("admin reviewer", "photo"),
    "POST /console/review/<uuid:photo_id>/reject": Row("admin reviewer", "photo"),
    "POST /console/review/decisions/<uuid:review_id>/undo": Row(
        "admin reviewer", "review", owner="reviewer"
    ),
    "GET /console/roster": Row("admin"),
    "POST /console/roster": Row("admin"),
    "GET /console/roster/template.xlsx": Row("admin"),
    "GET /console/roster/<uuid:job_id>": Row("admin", "roster"),
    "GET /console/roster/<uuid:job_id>/errors.csv": Row("admin", "roster"),
    "POST /console/roster/<uuid:job_id>/confirm": Row("admin", "roster"),
    "POST /console/roster/<uuid:job_id>/discard": Row("admin", "roster"),
    "GET /console/codes": Row("admin"),
    "GET /console/codes/new": Row("admin"),
    "POST /console/codes/new": Row("admin"),
    "GET /console/codes/<uuid:code_id>": Row("admin", "code"),
    "POST /console/codes/<uuid:code_id>": Row("admin", "code"),
    # WeChat draws it: where WeChat does not answer, this is no picture.
    "GET /console/codes/<uuid:code_id>/picture": Row("admin", "code", asks_wechat=True),
    "GET /console/codes/<uuid:code_id>/print": Row("admin", "code"),
    "POST /console/codes/<uuid:code_id>/disable": Row("admin", "code"),
    "POST /console/codes/<uuid:code_id>/enable": Row("admin", "code"),
    "GET /console/batches": Row("admin"),
    "GET /console/batches/<uuid:batch_id>": Row("admin", "batch"),
    "POST /console/batches/<uuid:batch_id>": Row("admin", "batch"),
    "GET /console/batches/<uuid:batch_id>/close": Row("admin", "batch"),
    "POST /console/batches/<uuid:batch_id>/close": Row("admin", "batch"),
    "GET /console/centres": Row("admin"),
    "GET /console/centres/new": Row("admin"),
    "POST /console/centres/new": Row("admin"),
    "GET /console/centres/<uuid:centre_id>": Row("admin", "centre"),
    "POST /console/centres/<uuid:centre_id>": Row("admin", "centre"),
    "GET /console/payments": Row("admin finance"),
    "GET /console/payments/<out_trade_no>": Row("admin finance", "order"),
    "POST /console/payments/<out_trade_no>/refund": Row("admin finance", "order"),
    "POST /console/payments/<out_trade_no>/sync": Row("admin finance", "order", asks_wechat=True),
    "GET /console/refunds": Row("admin finance"),
    "POST /console/refunds/<uuid:refund_id>/cancel": Row(
        "admin finance", "refund", form={"reason": "学生不再需要退款"}, asks_wechat=True
    ),
    "POST /console/refunds/<uuid:refund_id>/retry": Row(
        "admin finance", "refund", asks_wechat=True
    ),
    "GET /console/quarantine": Row("admin finance"),
    "GET /console/quarantine/<uuid:held_id>": Row("admin finance", "held"),
    "POST /console/quarantine/<uuid:held_id>/<resolution>": Row("admin finance", "held"),
    "GET /console/reconciliation": Row("admin finance"),
    "POST /console/reconciliation": Row("admin finance", asks_wechat=True),
    "GET /console/reconciliation/<day>": Row("admin finance"),
    "POST /console/reconciliation/differences/<uuid:difference_id>": Row(
        "admin finance", "difference", form={"note": "已与银行核对,次日入账", "day": "2026-09-30"}
    ),
    "GET /console/ledger.csv": Row("admin finance"),
    "GET /console/exports": Row("admin"),
    "POST /console/exports": Row("admin"),
    "GET /console/exports/<uuid:job_id>": Row("admin", "export"),
    "GET /console/exports/<uuid:job_id>/archive.zip": Row("admin", "export"),
    "POST /console/exports/<uuid:job_id>/delete": Row("admin", "export"),
    "GET /console/staff": Row("admin"),
    "POST /console/staff": Row("admin"),
    "POST /console/staff/<uuid:staff_id>/reset": Row("admin", "staff"),
    "POST /console/staff/<uuid:staff_id>/disable": Row("admin", "staff"),
    "POST /console/staff/<uuid:staff_id>/enable": Row("admin", "staff"),
    "GET /console/audit": Row("admin"),
    "GET /console/account": Row(ALL),
    "GET /console/account/password": Row(ALL),
    "POST /console/account/password": Row(ALL),
    "GET /console/account/second-factor": Row(ALL),
    "POST /console/account/second-factor": Row(ALL),
    "GET /console/account/second-factor.svg": Row(ALL),
    "POST /console/account/second-factor/off": Row(ALL),
    # A stranger's session is left alone, and the answer does not tell whether it exists.
    "POST /console/account/sessions/<uuid:session_id>/end": Row(ALL),
    "GET /console/confirm": Row(ALL),
    "POST /console/confirm": Row(ALL),
    "POST /console/sign-out": Row(ALL, ends_session=True),
    "GET /console/<path:unknown>": Row(ALL, answer=404),
    "POST /console/<path:unknown>": Row(ALL, answer=404),
    "PUT /console/<path:unknown>": Row(ALL, answer=404),
    "PATCH /console/<path:unknown>": Row(ALL, answer=404),
    "DELETE /console/<path:unknown>": Row(ALL, answer=404),
}


@dataclass(frozen=True)
class Call:
    """A call of the mini-program. Without a token: 401; someone else's thing: 404."""

    thing: str = ""
    body: dict[str, Any] | None = None
    is_open: bool = False
    """Needs no token."""


API: dict[str, Call] = {
    "POST /api/v1/login": Call(body={"code": "phone-new"}, is_open=True),
    "GET /api/v1/codes/<feature_code>": Call(),
    "POST /api/v1/enrolments": Call(body={}),
    "GET /api/v1/enrolments": Call(),
    "GET /api/v1/enrolments/<uuid:enrolment_id>": Call("enrolment"),
    "POST /api/v1/enrolments/<uuid:enrolment_id>/messages": Call(
        "enrolment", {"templates": ["deadline_near"]}
    ),
    "POST /api/v1/enrolments/<uuid:enrolment_id>/order": Call("enrolment"),
    "POST /api/v1/enrolments/<uuid:enrolment_id>/photos": Call("enrolment"),
    "GET /api/v1/orders/<out_trade_no>": Call("own_order"),
    "GET /api/v1/photos/<uuid:photo_id>": Call("photo"),
    "GET /api/v1/photos/<uuid:photo_id>/image": Call("photo"),
    "GET /api/v1/photos/<uuid:photo_id>/overlay": Call("photo"),
    "DELETE /api/v1/photos/<uuid:photo_id>": Call("photo"),
}

OPEN: dict[str, int] = {
    "GET /": 302,
    "GET /status": 200,
    "POST /status": 400,  # without its CSRF token
    "POST /status/card": 400,
    "GET /status/static/<path:filename>": 404,
    "GET /console/sign-in": 200,
    "POST /console/sign-in": 400,
    "GET /console/sign-in/code": 302,
    "POST /console/sign-in/code": 400,
    "GET /console/static/<path:filename>": 404,
    "GET /bootstrap/static/<path:filename>": 404,
    "GET /static/<path:filename>": 404,
    "GET /healthz": 200,
    "GET /readyz": 503,  # no worker runs in a test
    "GET /version": 200,
    "GET /metrics": 200,
    "GET /openapi.json": 200,
    "GET /docs": 200,
    "POST /pay/notify/v2": 404,  # this installation speaks v3
    "POST /pay/notify/v3": 401,  # no signature
}
"""Routes for everybody, and what an empty request of a stranger gets."""
