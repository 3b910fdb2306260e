"""Every route of the application, and who may use it. Written by hand, not read from the code.

A new route is added here, or the suite fails. ``may`` names the roles that get in; everybody else
is sent to sign in or gets 403. ``thing`` is the kind of object in the path: staff of another
college, or of another centre, get 404 for it, students other than its owner, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ALL = "admin reviewer centre finance"
EVERYBODY = f"{ALL} auditor"
READERS = "admin auditor"


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
    "GET /console/": Row(EVERYBODY),
    "GET /console/progress": Row(ALL),
    "GET /console/students": Row(ALL),
    "POST /console/students/find": Row(ALL),
    "GET /console/students.xlsx": Row("admin centre"),
    "GET /console/students/<uuid:enrolment_id>": Row(ALL, "enrolment", of_centres=True),
    "POST /console/students/<uuid:enrolment_id>/release": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "POST /console/students/<uuid:enrolment_id>/chsi/waive": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "POST /console/students/<uuid:enrolment_id>/chsi/ask": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "POST /console/students/<uuid:enrolment_id>/chsi/discard": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "POST /console/students/<uuid:enrolment_id>/correct": Row("admin", "collected"),
    "GET /console/missing": Row("admin centre"),
    "GET /console/missing.csv": Row("admin centre"),
    "GET /console/missing.xlsx": Row("admin centre"),
    "POST /console/missing/remind": Row("admin centre"),
    "GET /console/photos/<uuid:photo_id>/standard.jpg": Row(
        "admin reviewer centre", "photo", of_centres=True
    ),
    "GET /console/photos/<uuid:photo_id>/original": Row("admin reviewer", "photo"),
    "GET /console/photos/<uuid:photo_id>/lines.svg": Row("admin reviewer", "photo"),
    "GET /console/photos/<uuid:photo_id>/reference.jpg": Row("admin reviewer", "reference"),
    "GET /console/profile-photos/<uuid:cut_id>.jpg": Row("admin reviewer", "cut"),
    "GET /console/prints": Row("admin centre"),
    "POST /console/prints/sheet": Row("admin centre"),
    "POST /console/prints/contact": Row("admin centre"),
    "GET /console/prints/<uuid:job_id>": Row("admin centre", "print", owner="admin"),
    "GET /console/prints/<uuid:job_id>/file.pdf": Row("admin centre", "print", owner="admin"),
    "POST /console/prints/<uuid:job_id>/delete": Row("admin centre", "print", owner="admin"),
    "POST /console/students/<uuid:enrolment_id>/print.pdf": Row(
        "admin centre", "collected", of_centres=True
    ),
    "GET /console/profiles": Row("admin"),
    "GET /console/profiles/new": Row("admin"),
    "POST /console/profiles/new": Row("admin"),
    "GET /console/profiles/<key>": Row("admin", "profile"),
    "POST /console/profiles/<key>": Row("admin", "profile"),
    "POST /console/profiles/<key>/on": Row("admin", "profile"),
    "POST /console/profiles/<key>/off": Row("admin", "profile"),
    "POST /console/profiles/<key>/catch-up": Row("admin", "profile"),
    "GET /console/profiles/trials/<uuid:trial_id>.jpg": Row("admin", "trial", owner="admin"),
    "GET /console/review": Row("admin reviewer"),
    "GET /console/review/next": Row("admin reviewer"),
    "GET /console/review/sheet": Row("admin reviewer"),
    "POST /console/review/sheet": Row("admin reviewer"),
    "POST /console/review/sheet/mark": Row("admin reviewer"),
    "POST /console/review/leave": Row("admin reviewer"),
    "POST /console/review/sheets/<uuid:sheet_id>/undo": Row("admin reviewer"),
    "GET /console/review/<uuid:photo_id>": Row("admin reviewer", "photo"),
    "POST /console/review/<uuid:photo_id>/approve": Row("admin reviewer", "photo"),
    "POST /console/review/<uuid:photo_id>/reject": Row("admin reviewer", "photo"),
    "POST /console/review/<uuid:photo_id>/crop": Row("admin reviewer", "photo"),
    "POST /console/review/decisions/<uuid:review_id>/undo": Row(
        "admin reviewer", "review", owner="reviewer"
    ),
    "GET /console/onsite": Row("admin centre"),
    "POST /console/onsite": Row("admin centre"),
    "GET /console/onsite/<uuid:enrolment_id>": Row("admin centre", "enrolment", of_centres=True),
    "POST /console/onsite/<uuid:enrolment_id>/agree": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "POST /console/onsite/<uuid:enrolment_id>/photo": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "GET /console/onsite/folder": Row("admin centre"),
    "POST /console/onsite/folder": Row("admin centre"),
    "GET /console/onsite/folder/<uuid:job_id>": Row("admin centre", "folder", owner="admin"),
    "POST /console/onsite/folder/<uuid:job_id>/confirm": Row(
        "admin centre", "folder", owner="admin"
    ),
    "POST /console/onsite/folder/<uuid:job_id>/discard": Row(
        "admin centre", "folder", owner="admin"
    ),
    "GET /console/faces": Row(READERS),
    "POST /console/faces": Row("admin"),
    "GET /console/automatic": Row(READERS),
    "POST /console/faces/references": Row("admin"),
    "GET /console/faces/references/<uuid:job_id>": Row("admin", "reference_import"),
    "POST /console/faces/references/remove": Row("admin"),
    "POST /console/automatic": Row("admin"),
    "GET /console/students/<uuid:enrolment_id>/rights": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "POST /console/students/<uuid:enrolment_id>/rights": Row(
        "admin centre", "enrolment", of_centres=True
    ),
    "GET /console/requests": Row(READERS),
    "GET /console/requests/<uuid:request_id>": Row(READERS, "request"),
    "POST /console/requests/<uuid:request_id>": Row("admin", "request"),
    "GET /console/notice": Row(READERS),
    "POST /console/notice": Row("admin"),
    "GET /console/institution": Row("admin"),
    "POST /console/institution": Row("admin"),
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
    "GET /console/codes/<uuid:code_id>/steps": Row("admin", "code"),
    "POST /console/codes/<uuid:code_id>/disable": Row("admin", "code"),
    "POST /console/codes/<uuid:code_id>/enable": Row("admin", "code"),
    "GET /console/batches": Row("admin"),
    "GET /console/batches/seasons": Row("admin"),
    "POST /console/batches/seasons": Row("admin"),
    "GET /console/batches/<uuid:batch_id>": Row("admin", "batch"),
    "POST /console/batches/<uuid:batch_id>": Row("admin", "batch"),
    "GET /console/batches/<uuid:batch_id>/close": Row("admin", "batch"),
    "GET /console/batches/<uuid:batch_id>/reopen": Row("admin", "batch"),
    "GET /console/batches/<uuid:batch_id>/remove": Row("admin", "batch"),
    "GET /console/batches/<uuid:batch_id>/windows": Row("admin", "batch"),
    "GET /console/batches/new": Row("admin"),
    "POST /console/batches/<uuid:batch_id>/close": Row("admin", "batch"),
    "POST /console/batches/<uuid:batch_id>/reopen": Row("admin", "batch"),
    "POST /console/batches/<uuid:batch_id>/remove": Row("admin", "batch"),
    "POST /console/batches/<uuid:batch_id>/windows": Row("admin", "batch"),
    "POST /console/batches/new": Row("admin"),
    "GET /console/centres": Row("admin"),
    "GET /console/centres/new": Row("admin"),
    "POST /console/centres/new": Row("admin"),
    "GET /console/centres/<uuid:centre_id>": Row("admin", "centre"),
    "POST /console/centres/<uuid:centre_id>": Row("admin", "centre"),
    "POST /console/centres/<uuid:centre_id>/merge": Row("admin", "centre"),
    "POST /console/centres/<uuid:centre_id>/delete": Row("admin", "centre"),
    "GET /console/payments": Row("admin finance"),
    "GET /console/payments/<out_trade_no>": Row("admin finance", "order"),
    "POST /console/payments/<out_trade_no>/refund": Row("admin finance", "order"),
    "POST /console/payments/<out_trade_no>/sync": Row("admin finance", "order", asks_wechat=True),
    "GET /console/refunds": Row("admin finance"),
    "GET /console/refund-requests": Row("admin finance"),
    "GET /console/refund-requests/<uuid:request_id>": Row("admin finance", "refund_request"),
    "POST /console/refund-requests/<uuid:request_id>": Row("admin finance", "refund_request"),
    "GET /console/payments/<out_trade_no>/receipt.pdf": Row("admin finance", "order"),
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
    "GET /console/ledger.xlsx": Row("admin finance"),
    "POST /console/students/<uuid:enrolment_id>/waive": Row("admin finance", "enrolment"),
    "GET /console/exports": Row(READERS),
    "GET /console/photo-numbers": Row("admin"),
    "GET /console/handovers": Row("admin auditor"),
    "POST /console/handovers/lists": Row("admin"),
    "GET /console/handovers/<uuid:receipt_id>": Row("admin auditor", answer=404),
    "GET /console/handovers/lists/<uuid:list_id>": Row("admin", answer=404),
    "POST /console/handovers/lists/<uuid:list_id>": Row("admin", answer=404),
    "GET /console/photo-numbers.csv": Row("admin"),
    "GET /console/photo-numbers.xlsx": Row("admin"),
    "POST /console/exports": Row("admin"),
    "GET /console/exports/<uuid:job_id>": Row(READERS, "export"),
    "GET /console/exports/<uuid:job_id>/archive.zip": Row("admin", "export"),
    "POST /console/exports/<uuid:job_id>/delete": Row("admin", "export"),
    "GET /console/staff": Row(READERS),
    "POST /console/staff": Row("admin"),
    "GET /console/staff/<uuid:staff_id>": Row("admin", "staff"),
    "POST /console/staff/<uuid:staff_id>": Row("admin", "staff"),
    "POST /console/staff/<uuid:staff_id>/reset": Row("admin", "staff"),
    "POST /console/staff/<uuid:staff_id>/disable": Row("admin", "staff"),
    "POST /console/staff/<uuid:staff_id>/enable": Row("admin", "staff"),
    "GET /console/assessments": Row(READERS),
    "POST /console/assessments": Row("admin"),
    "GET /console/assessments/<uuid:assessment_id>": Row(READERS, "assessment"),
    "POST /console/assessments/filing": Row("admin", form={"filed_on": "2026-10-01"}),
    "GET /console/periods": Row(READERS),
    "POST /console/periods": Row("admin"),
    "GET /console/security": Row(READERS),
    "POST /console/security": Row("admin"),
    "GET /console/audit": Row(READERS),
    "GET /console/audit.csv": Row(READERS),
    "GET /console/account": Row(EVERYBODY),
    "GET /console/account/password": Row(EVERYBODY),
    "POST /console/account/password": Row(EVERYBODY),
    "GET /console/account/second-factor": Row(EVERYBODY),
    "POST /console/account/second-factor": Row(EVERYBODY),
    "GET /console/account/second-factor.svg": Row(EVERYBODY),
    "POST /console/account/second-factor/off": Row(EVERYBODY),
    # A stranger's session is left alone, and the answer does not tell whether it exists.
    "POST /console/account/sessions/<uuid:session_id>/end": Row(EVERYBODY),
    "GET /console/confirm": Row(EVERYBODY),
    "POST /console/confirm": Row(EVERYBODY),
    "POST /console/sign-out": Row(EVERYBODY, ends_session=True),
    "GET /console/<path:unknown>": Row(EVERYBODY, answer=404),
    "POST /console/<path:unknown>": Row(EVERYBODY, answer=404),
    "PUT /console/<path:unknown>": Row(EVERYBODY, answer=404),
    "PATCH /console/<path:unknown>": Row(EVERYBODY, answer=404),
    "DELETE /console/<path:unknown>": Row(EVERYBODY, answer=404),
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
    "PUT /api/v1/enrolments/<uuid:enrolment_id>/chsi-code": Call("enrolment", {"text": "x"}),
    "DELETE /api/v1/enrolments/<uuid:enrolment_id>/chsi-code": Call("enrolment"),
    "GET /api/v1/orders/<out_trade_no>": Call("own_order"),
    "GET /api/v1/orders/<out_trade_no>/refund": Call("own_order"),
    "POST /api/v1/orders/<out_trade_no>/refund": Call("own_order", {"reason": "重复缴费"}),
    "GET /api/v1/orders/<out_trade_no>/receipt.pdf": Call("own_order"),
    "GET /api/v1/photos/<uuid:photo_id>": Call("photo"),
    "GET /api/v1/photos/<uuid:photo_id>/image": Call("photo"),
    "GET /api/v1/photos/<uuid:photo_id>/overlay": Call("photo"),
    "DELETE /api/v1/photos/<uuid:photo_id>": Call("photo"),
    "GET /api/v1/consents": Call(),
    "GET /api/v1/me/requests": Call(),
    "POST /api/v1/me/requests": Call(body={"kind": "correction", "text": "姓名有误"}),
    "GET /api/v1/me/copy": Call(),
    "PUT /api/v1/consents": Call(body={"kind": "faces", "given": False}),
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
