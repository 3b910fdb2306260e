"""One installation under fault: phones that pay, and the books of both sides to compare."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.rig.portraits import jpeg_bytes
from benchmarks.rig.stack import HTTP, Stack, Student, wait_until

PHOTO_FIRST, PAY_FIRST = "photo-first", "pay-first"
PAY_FIRST_CODE = "payfst"
ANSWER_WITHIN_S = 10.0
AHEAD = 2
"""Photos of the next students that are checked meanwhile."""
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
TENS, ONES = "甲乙丙丁戊己庚辛壬癸", "一二三四五六七八九十"
COLUMNS = "学号,姓名,身份证号,层次,专业,学习中心,入学批次,预计毕业,学籍状态"

OWN_AMOUNT_FEN = 2000
REFUSED_FIRST = frozenset(
    {
        *("truncated", "wrong_key", "missing_headers", "xxe", "huge"),
        *("stale", "future", "signtest", "unknown_serial"),
    }
)
"""The first attempt must be refused; the honest one after 15 s settles."""
HELD = {
    "wrong_amount": "wrong_amount",
    "wrong_appid": "wrong_app",
    "wrong_mchid": "wrong_merchant",
    "wrong_openid": "wrong_payer",
    "wrong_currency": "wrong_currency",
}
"""Genuine notices that lie, and the reason under which finance finds them."""


def make_id_number(place: int) -> str:
    """A number with a right check digit for a made-up student."""
    body = f"11010119990101{place:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def write_roster(count: int) -> tuple[list[dict[str, str]], str]:
    students = [
        {
            "student_no": f"30{place:06d}",
            "name": "测试" + TENS[place // 10 % 10] + ONES[place % 10],
            "id_number": make_id_number(place),
        }
        for place in range(count)
    ]
    rows = [
        f"{s['student_no']},{s['name']},{s['id_number']},本科,法学,测试学习中心,2020春,2026春,在籍"
        for s in students
    ]
    return students, "\n".join([COLUMNS, *rows])


@dataclass
class Bench:
    """The running stack, its students, and what is expected of them at the end."""

    stack: Stack
    version: str
    students: Iterator[dict[str, str]] = field(init=False)
    with_photo: list[Student] = field(default_factory=list)
    finished: list[Student] = field(default_factory=list)
    photo: bytes = field(default_factory=jpeg_bytes)
    serial: Iterator[int] = field(default_factory=itertools.count)

    def prepare(self, count: int) -> None:
        """Import ``count`` students and ``AHEAD`` more."""
        count += AHEAD
        students, text = write_roster(count)
        roster = self.stack.folder / "roster.csv"
        roster.write_text(text)
        self.stack.flask("roster", "import", str(roster), "--create-centres")
        self.stack.flask("code", "add", PAY_FIRST_CODE, "--fee-fen", str(OWN_AMOUNT_FEN))
        with closing(sqlite3.connect(self.stack.folder / "caiji.db")) as db:
            db.execute("UPDATE feature_code SET pay_first = 1 WHERE code = ?", (PAY_FIRST_CODE,))
            db.commit()
        self.students = iter(students)

    def new_student(self, code: str) -> Student:
        return Student(self.stack, next(self.students)).sign_in().bind(code)

    def upload(self, student: Student) -> None:
        """Send the portrait, made another file by a comment after its first marker."""
        comment = f"{next(self.serial):06d}".encode()
        data = self.photo[:2] + b"\xff\xfe\x00\x08" + comment + self.photo[2:]
        answer = student.upload(data)
        assert answer.status_code in {200, 202}, answer.text

    def take_student(self, photo: str) -> Student:
        """A student who may pay now: with a photo that passed, or under a code that asks first."""
        if photo == PAY_FIRST:
            return self.new_student(PAY_FIRST_CODE)
        while len(self.with_photo) <= AHEAD:
            self.with_photo.append(self.new_student("y0814v"))
            self.upload(self.with_photo[-1])
        student = self.with_photo.pop(0)
        student.wait_for("next step pay", lambda data: data["next_step"] == "pay", 120)
        return student

    def finish(self, student: Student, photo: str) -> None:
        """Send the photo of those who paid first; all must be 已上传 in the end."""
        if photo == PAY_FIRST:
            self.upload(student)
        self.finished.append(student)

    def advance(self, seconds: float) -> None:
        self.stack_control("clock", advance_s=seconds)

    def stack_control(self, path: str, /, **body: Any) -> Any:
        answer = HTTP.post(f"{self.stack.sandbox_url}/control/{path}", json=body, timeout=20)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def ask_sandbox(self, name: str, **query: str) -> Any:
        return HTTP.get(f"{self.stack.sandbox_url}/control/{name}", params=query, timeout=20).json()

    def wait_for_attempts(self, order: Any, count: int) -> list[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            items: list[dict[str, Any]] = self.ask_sandbox(
                "deliveries", out_trade_no=order["out_trade_no"]
            )["items"]
            return items if len(items) >= count else []

        found: list[dict[str, Any]] = wait_until(ask, 30, f"{count} attempts")
        return found

    def is_kept(self, attempt: dict[str, Any]) -> bool:
        """Whether the server answered that the notice is safe, in the words of the version."""
        if self.version == "v3":
            return attempt["status"] in {200, 204}
        return attempt["status"] == 200 and attempt["answer"] == (
            "<xml><return_code><![CDATA[SUCCESS]]></return_code>"
            "<return_msg><![CDATA[OK]]></return_msg></xml>"
        )

    def is_refused(self, attempt: dict[str, Any]) -> bool:
        status = attempt["status"] or 0
        return 400 <= status < 600 and status != 500 and "SUCCESS" not in attempt["answer"]

    def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Rows of the server's own books."""
        path = self.stack.folder / "caiji.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, values)]

    def ask_until_paid(self, student: Student, order: Any) -> None:
        """Keep asking as the phone does; each answer must come in time."""

        def ask() -> bool:
            began = time.monotonic()
            answer = student.http.get(f"/orders/{order['out_trade_no']}")
            assert answer.status_code == 200, answer.text
            assert time.monotonic() - began < ANSWER_WITHIN_S
            return bool(answer.json()["data"]["state"] == "paid")

        wait_until(ask, 45, "paid")

    def assert_settled_once(self, order: Any) -> None:
        """One settlement in our books, for the very transaction that the ledger has."""
        number = order["out_trade_no"]
        (row,) = self.rows("SELECT * FROM payment_order WHERE out_trade_no = ?", number)
        (theirs,) = [o for o in self.ask_sandbox("ledger")["orders"] if o["out_trade_no"] == number]
        assert row["state"] == "paid"
        assert row["transaction_id"] == theirs["transaction_id"]
        assert row["amount_fen"] == theirs["wanted"]["amount_fen"] == OWN_AMOUNT_FEN
        settled = self.rows(
            "SELECT * FROM payment_notice WHERE out_trade_no = ? AND outcome = 'settled'", number
        )
        assert len(settled) == (1 if row["settled_by"] == "callback" else 0)
        assert row["settled_by"] in {"callback", "query"}

    def find_held(self, order: Any) -> list[dict[str, Any]]:
        return self.rows(
            "SELECT * FROM quarantined_payment WHERE out_trade_no = ?", order["out_trade_no"]
        )

    def reconcile_everything(self) -> str:
        """Let the days end and compare the bill of each with our books."""
        times = [order["success_time"] for order in self.ask_sandbox("ledger")["orders"]]
        days = {time[:10] for time in times if time}
        self.advance(86400)
        return "".join(
            self.stack.flask("pay", "reconcile", "--date", day, is_strict=False)
            for day in sorted(days)
        )


def post_order(student: Student) -> httpx.Response:
    """Ask for the order and check that the answer is in time and in the envelope."""
    began = time.monotonic()
    answer = student.http.post(f"/enrolments/{student.enrolment_id}/order")
    assert time.monotonic() - began < ANSWER_WITHIN_S
    assert "code" in answer.json()
    return answer
