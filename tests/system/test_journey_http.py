"""One student from the feature code to 已上传, over plain HTTP against real processes."""

from __future__ import annotations

import concurrent.futures
import io
import itertools
import signal
from pathlib import Path

import httpx
import pytest
from PIL import Image

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.processes import ROOT
from benchmarks.rig.stack import Stack, Student

PEOPLE = ROOT.parent / "shared" / "photobench" / "people" / "neutral"
_places = itertools.count()


@pytest.fixture
def student(stack: Stack) -> Student:
    return Student(stack, stack.students()[next(_places)]).sign_in().bind()


@pytest.fixture(scope="module")
def portrait() -> bytes:
    return phone_photo_bytes()


@pytest.fixture(scope="module")
def astronaut() -> bytes:
    from skimage import data

    out = io.BytesIO()
    Image.fromarray(data.astronaut()).save(out, "JPEG", quality=95)
    return out.getvalue()


def upload_and_judge(student: Student, data: bytes) -> dict[str, object]:
    answer = student.upload(data)
    assert answer.status_code in {200, 202}, answer.text
    verdict: dict[str, object] = student.wait_for_verdict(answer.json()["data"]["id"])
    return verdict


def test_photo_then_payment(student: Student, portrait: bytes) -> None:
    photo = upload_and_judge(student, portrait)
    assert photo["verdict"] in {"pass", "warn"}, photo["findings"]
    image = student.http.get(f"/photos/{photo['id']}/image")
    picture = Image.open(io.BytesIO(image.content))
    assert (picture.size, picture.info["dpi"][0]) == ((480, 640), 300)
    overlay = student.http.get(f"/photos/{photo['id']}/overlay")
    assert overlay.text.lstrip().startswith("<svg")
    order = student.open_order()
    assert student.open_order()["out_trade_no"] == order["out_trade_no"]
    assert all(isinstance(value, str) for value in order["payment"].values())
    student.pay(order)
    data = student.wait_for_status("uploaded")
    assert data["next_step"] == "wait_review"
    assert data["order"]["state"] == "paid"
    again = student.http.post(f"/enrolments/{student.enrolment_id}/order")
    assert again.status_code == 409


def test_payment_first_then_a_photo_that_passes(student: Student, portrait: bytes) -> None:
    """The student pays for the first photo while a better one is on its way."""
    upload_and_judge(student, portrait)
    order = student.open_order()
    photo_id = student.enrolment()["photo"]["id"]
    assert student.http.delete(f"/photos/{photo_id}").status_code == 200
    student.pay(order)
    student.wait_for("fee settled", lambda data: data["fee_settled"], 15)
    assert student.enrolment()["status"]["value"] == "not_uploaded"
    upload_and_judge(student, phone_photo_bytes()[:-2] + b"\xff\xd9")
    student.upload(portrait)
    assert student.wait_for_status("uploaded")["next_step"] == "wait_review"


def test_fifty_identical_callbacks_settle_once(student: Student, portrait: bytes) -> None:
    upload_and_judge(student, portrait)
    order = student.open_order()
    student.pay(order)
    student.wait_for_status("uploaded")
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: student.pay(order), range(50)))
    deliveries = httpx.get(
        f"{student.stack.sandbox_url}/control/deliveries",
        params={"out_trade_no": order["out_trade_no"]},
        timeout=20,
    ).json()["items"]
    assert {item["status"] for item in deliveries} <= {200, 204}
    history = student.enrolment()["history"]
    assert [step["status"]["value"] for step in history] == ["not_uploaded", "uploaded"]


def test_photo_without_a_wall_is_told_what_is_wrong(student: Student, astronaut: bytes) -> None:
    photo = upload_and_judge(student, astronaut)
    assert photo["verdict"] in {"warn", "fail"}
    assert photo["first_findings"]


@pytest.mark.skipif(not PEOPLE.is_dir(), reason="photobench is not beside the project")
def test_real_face_passes(student: Student) -> None:
    photo = upload_and_judge(student, (PEOPLE / "002_03.jpg").read_bytes())
    assert photo["verdict"] in {"pass", "warn"}, photo["findings"]


def test_damaged_jpeg_gets_a_verdict_not_an_error(student: Student, portrait: bytes) -> None:
    photo = upload_and_judge(student, portrait[: len(portrait) // 3])
    assert photo["verdict"] == "fail"
    assert photo["findings"][0]["code"].startswith("file.")  # type: ignore[index]


def test_eleven_megabytes_get_an_answer(student: Student) -> None:
    answer = student.upload(b"\xff\xd8\xff" + b"\0" * (11 << 20))
    assert (answer.status_code, answer.json()["code"]) == (413, "photo_too_large")


@pytest.mark.parametrize("victim", ["web", "worker"])
def test_killed_between_acknowledgement_and_verdict(
    own_stack: Stack, victim: str, portrait: bytes
) -> None:
    own_stack.kill("worker")
    student = Student(own_stack, own_stack.students()[0]).sign_in().bind()
    answer = student.upload(portrait)
    assert answer.status_code == 202
    photo_id = answer.json()["data"]["id"]
    if victim == "web":
        own_stack.kill("web")
        own_stack.start("web")
        own_stack.start("worker")
    else:
        own_stack.start("worker")
        own_stack.kill("worker", signal.SIGKILL)
        own_stack.start("worker")
    assert student.wait_for_verdict(photo_id, 90)["verdict"] in {"pass", "warn"}
    assert own_stack.flask("check", "--read-files").strip() == "0 problems"


def test_logs_hold_no_personal_data(stack: Stack, student: Student, portrait: bytes) -> None:
    upload_and_judge(student, portrait)
    order = student.open_order()
    student.pay(order)
    student.wait_for_status("uploaded")
    logs = stack.read_log("web") + stack.read_log("worker")
    keys = httpx.get(f"{stack.sandbox_url}/control/keys", timeout=20).json()
    secrets = [keys[name] for name in ("app_secret", "api_v3_key", "api_v2_key")]
    for person in stack.students():
        assert person["id_number"] not in logs
        assert person["name"] not in logs
    token = student.http.headers["Authorization"].split()[1]
    for secret in [*secrets, token, stack.password]:
        assert secret not in logs
    assert "openid" not in logs
    assert Path(stack.folder / "demo.env").stat().st_mode & 0o077 == 0
