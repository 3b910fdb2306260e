"""A college on a working day: photos that wait, pass, fail, were approved and sent back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.rig.portraits import SKIN_TONES, Glasses, phone_photo_bytes, phone_portrait
from benchmarks.rig.stack import Stack, Student
from tests.page import csrf_of

AT_ONCE = 4


@dataclass(frozen=True)
class Visit:
    """How far one student gets."""

    portrait: dict[str, Any]
    pays: bool = True
    decision: str = ""
    """``approve``, or the reason codes of a rejection, comma-separated."""


VISITS = (
    Visit({"skin": SKIN_TONES["light"]}),
    Visit({"skin": SKIN_TONES["medium"], "hair": "long", "clothes": (120, 40, 60)}),
    Visit({"skin": SKIN_TONES["pale"], "glasses": Glasses()}),
    Visit({"skin": SKIN_TONES["tan"], "roll_deg": 6.5, "clothes": (30, 80, 60)}),
    Visit({"skin": SKIN_TONES["brown"], "clothes": (90, 90, 100)}),
    Visit({"skin": SKIN_TONES["light"], "hair": "long", "hair_colour": (70, 45, 30)}),
    Visit({"skin": SKIN_TONES["medium"]}, pays=False),
    Visit({"skin": SKIN_TONES["light"], "mouth_open": 1.0}),
    Visit({"skin": SKIN_TONES["tan"], "hair": "long"}, decision="approve"),
    Visit({"skin": SKIN_TONES["medium"], "hair": "bald"}, decision="approve"),
    Visit({"skin": SKIN_TONES["pale"], "clothes": (60, 60, 60)}, decision="approve"),
    Visit({"skin": SKIN_TONES["light"]}, decision="background.shadow,hair.brows"),
)


class StaffHttp:
    """A staff member without a browser."""

    def __init__(self, stack: Stack, account: str) -> None:
        self.http = httpx.Client(base_url=stack.url, timeout=30)
        stack.clients.append(self.http)
        self.post("/console/sign-in", username=account, password=stack.password)

    def post(self, path: str, **fields: str | list[str]) -> httpx.Response:
        page = self.http.get("/console/sign-in", follow_redirects=True)
        answer = self.http.post(path, data={"csrf_token": csrf_of(page.text), **fields})
        assert answer.status_code in {200, 302, 303}, answer.text[:300]
        return answer


def make_busy(stack: Stack, visits: tuple[Visit, ...] = VISITS) -> list[Student]:
    """Let students visit, a few at a time, and a reviewer decide on some."""
    people = stack.take_students(len(visits))

    def visit(place: int) -> tuple[Student, str]:
        return _visit(stack, people[place], visits[place])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(visit, range(len(visits))))
    reviewer = StaffHttp(stack, "reviewer")
    for path, fields in _list_decisions(visits, [photo_id for _, photo_id in done]):
        reviewer.post(path, **fields)
    return [student for student, _ in done]


def _visit(stack: Stack, person: dict[str, str], visit: Visit) -> tuple[Student, str]:
    student = Student(stack, person).sign_in().bind()
    picture = phone_portrait().but(seed=int(person["student_no"]), **visit.portrait)
    photo_id = student.upload(phone_photo_bytes(picture, size=(1200, 1600))).json()["data"]["id"]
    verdict = student.wait_for_verdict(photo_id)
    if visit.pays and verdict["verdict"] != "fail":
        student.pay(student.open_order())
        student.wait_for_status("uploaded")
    return student, photo_id


def _list_decisions(
    visits: tuple[Visit, ...], photo_ids: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for visit, photo_id in zip(visits, photo_ids, strict=True):
        if visit.decision == "approve":
            yield f"/console/review/{photo_id}/approve", {}
        elif visit.decision:
            reasons = visit.decision.split(",")
            yield f"/console/review/{photo_id}/reject", {"reason": reasons, "note": "请换一面墙"}
