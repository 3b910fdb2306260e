"""Students who do the whole journey at real processes, as cheaply as a client can.

A client that eats a core would measure itself: plain ``http.client`` connections, one a student.
Every student comes from an own address, as phones do (X-Forwarded-For, one trusted proxy).
"""

from __future__ import annotations

import http.client
import json
import struct
import threading
import time
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

POLL_S = 0.5
PATIENCE_S = 300
MAX_PAUSE_S = 3.0
CODE = "y0814v"
FORM_TYPE = "multipart/form-data; boundary=caiji"


def number_jpeg(data: bytes, number: int) -> bytes:
    """Return the same picture with another hash: a comment segment after the first marker."""
    comment = f"photo {number}".encode()
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:]


def make_form(photo: bytes) -> bytes:
    """Return the body of an upload, of the type FORM_TYPE."""
    return (
        b'--caiji\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + photo + b"\r\n--caiji--\r\n"
    )


@dataclass
class Log:
    """What all students saw together."""

    times_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    acknowledged_at: dict[str, float] = field(default_factory=dict)
    """Photo id to the moment (time.time) of its acknowledgement."""
    judged: set[str] = field(default_factory=set)
    finished: int = 0
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Visitor:
    """One student with one connection."""

    def __init__(self, port: int, sandbox_port: int, person: dict[str, str], log: Log) -> None:
        self._log = log
        self._person = person
        self._ports = {"web": port, "sandbox": sandbox_port}
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self._headers = {"X-Forwarded-For": f"10.{'.'.join(map(str, uuid.uuid4().bytes[:3]))}"}
        self.enrolment_id = ""

    def travel(self, photo: bytes) -> None:
        """From the code to 已上传; counts itself as finished or notes the error."""
        try:
            self.arrive()
            photo_id = self.upload(photo)
            self._wait("poll photo", f"/photos/{photo_id}", lambda data: data["verdict"])
            with self._log.lock:
                self._log.judged.add(photo_id)
            order = self.call("order", "POST", f"/enrolments/{self.enrolment_id}/order")
            prepay_id = order["payment"]["package"].removeprefix("prepay_id=")
            self._control("pay", {"prepay_id": prepay_id, "faults": []})
            self._wait(
                "poll enrolment",
                f"/enrolments/{self.enrolment_id}",
                lambda data: data["status"]["value"] == "uploaded",
            )
            with self._log.lock:
                self._log.finished += 1
        except Exception as error:  # noqa: BLE001 - whatever stops a student belongs in the table
            with self._log.lock:
                self._log.errors.append(f"{type(error).__name__}: {error}"[:300])
        finally:
            self.close()

    def arrive(self) -> None:
        """Sign in and bind the enrolment."""
        code = self._control("login-code", {"user": uuid.uuid4().hex})["code"]
        token = self.call("login", "POST", "/login", {"code": code})["token"]
        self._headers["Authorization"] = f"Bearer {token}"
        consent = self.call("code", "GET", f"/codes/{CODE}")["consent"]
        body = {
            "feature_code": CODE,
            "name": self._person["name"],
            "id_number": self._person["id_number"],
            "consent_version": consent["version"],
        }
        self.enrolment_id = self.call("bind", "POST", "/enrolments", body)["id"]

    def upload(self, photo: bytes) -> str:
        """Send a photo until it is acknowledged; return its id."""
        data = self.call("upload", "POST", self._photos, make_form(photo))
        photo_id: str = data["id"]
        with self._log.lock:
            self._log.acknowledged_at[photo_id] = time.time()
        return photo_id

    @property
    def _photos(self) -> str:
        return f"/enrolments/{self.enrolment_id}/photos"

    def address_upload(self) -> tuple[str, dict[str, str]]:
        """Return path and headers of an upload, for who sends it another way."""
        headers = {"Authorization": self._headers["Authorization"], "Content-Type": FORM_TYPE}
        return f"/api/v1{self._photos}", headers

    def call(self, name: str, method: str, path: str, body: Any = None) -> Any:
        """Call the API; come back after 429 and 503 as the answer asks, within reason."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            start = time.perf_counter()
            status, answer, retry_after_s = self._send("web", method, "/api/v1" + path, body)
            with self._log.lock:
                self._log.statuses[f"{name} {status}"] += 1
                if status < 300:
                    self._log.times_s[name].append(time.perf_counter() - start)
            if status < 300:
                return answer["data"]
            if status not in {429, 503}:
                raise RuntimeError(f"{name}: {status} {answer}")
            time.sleep(min(retry_after_s, MAX_PAUSE_S))
        raise RuntimeError(f"{name}: refused for {PATIENCE_S} s")

    def _wait(self, name: str, path: str, is_there: Any) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_there(data := self.call(name, "GET", path)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name}: nothing within {PATIENCE_S} s")
            # As the mini-program: the longer the estimate, the less often it asks.
            time.sleep(min(MAX_PAUSE_S, max(POLL_S, (data.get("estimate_s") or 0) / 4)))

    def _control(self, name: str, body: dict[str, Any]) -> Any:
        status, answer, _ = self._send("sandbox", "POST", f"/control/{name}", body)
        if status >= 300:
            raise RuntimeError(f"sandbox {name}: {status} {answer}")
        return answer

    def _send(self, side: str, method: str, path: str, body: Any) -> tuple[int, Any, float]:
        headers = dict(self._headers)
        if isinstance(body, bytes):
            headers["Content-Type"] = FORM_TYPE
        elif body is not None:
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection = self._connections.get(side)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._ports[side], timeout=60)
            self._connections[side] = connection
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        except (http.client.HTTPException, OSError):
            # A kept connection may have been closed meanwhile: once more on a new one.
            connection.close()
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        retry_after_s = float(answer.headers.get("Retry-After") or 1)
        return answer.status, json.loads(text) if text else None, retry_after_s

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
