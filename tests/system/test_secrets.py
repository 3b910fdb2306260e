"""A whole day at the most talkative log level: keys are changed, and no log learns a secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, Student, run_stack

pytestmark = pytest.mark.slow
SECRET_SETTINGS = ("SECRET", "KEYS", "_KEY")


def pay_through(stack: Stack, place: int, picture: bytes) -> Student:
    """Let one student go from the code to 已上传."""
    student = Student(stack, stack.students()[place]).sign_in().bind()
    student.wait_for_verdict(student.upload(picture).json()["data"]["id"])
    student.pay(student.open_order())
    student.wait_for_status("uploaded")
    return student


def make_mistakes(stack: Stack, student: Student) -> None:
    """Everything that makes a server complain in its log."""
    student.http.post("/login", json={"code": "used-or-wrong-code"})
    wrong = student.student | {"name": "错名"}
    fields = {name: wrong[name] for name in ("name", "id_number")}
    body = {"feature_code": "y0814v", "consent_version": "1", **fields}
    student.http.post("/enrolments", json=body)
    for version in ("v3", "v2"):
        httpx.post(f"{stack.url}/pay/notify/{version}", content=student.student["id_number"])
    student.http.get(f"/photos/{student.student['id_number']}")


def meet_a_dead_gateway(stack: Stack, place: int, picture: bytes) -> None:
    """An order that meets HTML instead of WeChat, then works."""
    student = Student(stack, stack.students()[place]).sign_in().bind()
    student.wait_for_verdict(student.upload(picture).json()["data"]["id"])
    student.control("faults", name="html_502", call="*", count=1)
    answer = student.http.post(f"/enrolments/{student.enrolment_id}/order")
    assert answer.status_code in {200, 503}
    student.pay(student.open_order())
    student.wait_for_status("uploaded")


def list_secrets(stack: Stack, students: list[Student]) -> dict[str, str]:
    """Return every secret of the day by its name."""
    keys: dict[str, Any] = httpx.get(f"{stack.sandbox_url}/control/keys").json()
    secrets = {name: keys[name] for name in ("app_secret", "api_v3_key", "api_v2_key")}
    secrets["merchant_private_key"] = keys["merchant_private_key"].splitlines()[1]
    secrets["password"] = stack.password
    for line in (stack.folder / "demo.env").read_text().splitlines():
        name, _, value = line.partition("=")
        if any(part in name for part in SECRET_SETTINGS) and "FILE" not in name:
            secrets |= {f"{name}-{place}": each for place, each in enumerate(split_values(value))}
    for student in students:
        secrets[f"token-{student.user}"] = student.http.headers["Authorization"].split()[1]
        secrets[f"id-{student.user}"] = student.student["id_number"]
        secrets[f"openid-{student.user}"] = find_openid(stack, keys, student)
    return secrets


def split_values(text: str) -> list[str]:
    """Return the secret parts of ``name=secret,name=secret`` or of one secret."""
    parts = [part.partition("=")[2] or part for part in text.strip("'\"").split(",")]
    return [part for part in parts if len(part) >= 16 and "/" not in part[:1]]


def find_openid(stack: Stack, keys: dict[str, Any], student: Student) -> str:
    code = student.control("login-code", user=student.user)["code"]
    query = {"appid": keys["app_id"], "secret": keys["app_secret"], "js_code": code}
    address = f"{stack.sandbox_url}/sns/jscode2session"
    answer = httpx.get(address, params=query | {"grant_type": "authorization_code"})
    openid: str = answer.json()["openid"]
    return openid


def test_keys_are_changed_in_the_middle_and_no_log_learns_a_secret(tmp_path: Path) -> None:
    picture = phone_photo_bytes()
    with run_stack(tmp_path, CAIJI_LOG_LEVEL="DEBUG") as stack:
        first = pay_through(stack, 20, picture)
        make_mistakes(stack, first)
        report = stack.flask("doctor")
        assert not re.search("^FAIL", report, re.MULTILINE), report
        assert report.count("ok ") >= 6
        before = httpx.get(f"{stack.sandbox_url}/control/keys").json()
        assert len(before["verify_keys"]) >= 2
        first.control("rotate-keys")
        second = pay_through(stack, 21, picture)
        meet_a_dead_gateway(stack, 22, picture)
        secrets = list_secrets(stack, [first, second])
        day = {name: stack.read_log(name) for name in ("web", "worker")} | {"doctor": report}
    assert "payment_settled" in day["web"]
    assert len(secrets) >= 12
    leaks = [
        f"{name} in {log}" for name, value in secrets.items() for log in day if value in day[log]
    ]
    assert leaks == []
