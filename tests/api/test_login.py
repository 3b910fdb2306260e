from __future__ import annotations

from flask.testing import FlaskClient
from sqlalchemy import select

from models import ApiToken, WechatUser
from server.context import Context
from tests.cast import Phone, assert_refused


def test_code_becomes_a_token_that_opens_the_api(alice: Phone) -> None:
    assert alice.call("GET", "/enrolments").json == {"code": 0, "data": {"items": []}}


def test_same_phone_is_the_same_user(client: FlaskClient, demo: Context) -> None:
    Phone(client, "alice").sign_in()
    Phone(client, "alice").sign_in()
    with demo.db.read() as session:
        assert len(session.scalars(select(WechatUser)).all()) == 1
        assert len(session.scalars(select(ApiToken)).all()) == 2


def test_unknown_code_is_refused(client: FlaskClient) -> None:
    assert_refused(
        client.post("/api/v1/login", json={"code": "nonsense"}), 401, "login_code_invalid"
    )


def test_body_that_is_no_json_names_no_value(client: FlaskClient) -> None:
    answer = client.post("/api/v1/login", data="{", content_type="application/json")
    assert answer.status_code in {400, 422}
    assert isinstance(answer.json["code"], str)
    answer = client.post("/api/v1/login", json={"code": 110101199003070011})
    assert_refused(answer, 422, "invalid_request")
    assert "110101199003070011" not in answer.text


def test_no_token_and_bad_token_are_refused(client: FlaskClient) -> None:
    assert_refused(client.get("/api/v1/enrolments"), 401, "unauthorised")
    stranger = Phone(client, "x", token="nonsense")
    assert_refused(stranger.call("GET", "/enrolments"), 401, "unauthorised")


def test_token_ends_after_seven_days(alice: Phone, demo: Context) -> None:
    demo.clock.advance(days=7, seconds=-1)  # type: ignore[attr-defined]
    assert alice.call("GET", "/enrolments").status_code == 200
    demo.clock.advance(seconds=1)  # type: ignore[attr-defined]
    assert_refused(alice.call("GET", "/enrolments"), 401, "unauthorised")


def test_token_and_openid_are_not_stored_in_clear(alice: Phone, demo: Context) -> None:
    with demo.db.read() as session:
        user = session.scalars(select(WechatUser)).one()
        token = session.scalars(select(ApiToken)).one()
    assert b"openid-alice" not in user.openid_encrypted
    assert user.decrypt_openid(demo.cipher) == "openid-alice"
    assert alice.token.encode() not in token.token_hash


def test_unknown_path_has_the_envelope(client: FlaskClient) -> None:
    answer = client.get("/api/nothing")
    assert_refused(answer, 404, "not_found")
    assert_refused(client.get("/api/v1/login"), 405, "method_not_allowed")


def test_logins_of_a_campus_behind_one_address_pass(client: FlaskClient) -> None:
    for number in range(70):
        Phone(client, f"student{number}").sign_in()
    statuses = {
        client.post("/api/v1/login", json={"code": "phone-late"}).status_code for _ in range(60)
    }
    assert statuses == {200, 429}


def test_throttled_answer_says_when_to_come_back(client: FlaskClient) -> None:
    for _ in range(200):
        answer = client.post("/api/v1/login", json={"code": "phone-a"})
        if answer.status_code == 429:
            break
    assert_refused(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
