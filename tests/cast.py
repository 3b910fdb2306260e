"""The cast of the API tests: phones of students, and what they do."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.demo import CODE, list_demo_students
from server.services.consent.shipped import SHIPPED_VERSION

JPEG = b"\xff\xd8\xff\xe0 not really a picture, but it begins like one"
STUDENTS = list_demo_students()


@dataclass
class Phone:
    """One WeChat user at the API."""

    client: FlaskClient
    user: str
    token: str = ""

    def sign_in(self) -> Phone:
        answer = self.client.post("/api/v1/login", json={"code": f"phone-{self.user}"})
        assert answer.status_code == 200, answer.text
        self.token = answer.json["data"]["token"]
        return self

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.client.open("/api/v1" + path, method=method, headers=headers, **options)

    def bind(self, place: int = 0, **changes: Any) -> TestResponse:
        student = STUDENTS[place]
        body = {
            "feature_code": CODE,
            "name": student.name,
            "id_number": student.id_number,
            "consent_version": SHIPPED_VERSION,
        }
        return self.call("POST", "/enrolments", json={**body, **changes})

    def bound(self, place: int = 0) -> str:
        answer = self.bind(place)
        assert answer.status_code == 200, answer.text
        enrolment_id: str = answer.json["data"]["id"]
        return enrolment_id

    def upload(self, enrolment_id: str, data: bytes = JPEG, **fields: str) -> TestResponse:
        answer = self.call(
            "POST",
            f"/enrolments/{enrolment_id}/photos",
            data={"photo": (io.BytesIO(data), "photo.jpg"), **fields},
            content_type="multipart/form-data",
        )
        # werkzeug's client leaves the temporary file of a large body to the garbage collector
        answer.request.environ["wsgi.input"].close()
        return answer

    def enrolment(self, enrolment_id: str) -> Any:
        answer = self.call("GET", f"/enrolments/{enrolment_id}")
        assert answer.status_code == 200, answer.text
        return answer.json["data"]


def assert_refused(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.text
    assert answer.json["message"]
    assert answer.json["request_id"]
