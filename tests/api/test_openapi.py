from __future__ import annotations

import re

import jsonschema
from flask.testing import FlaskClient

from server.observability.reference import list_errors, list_operations, make_example
from tests.page import read_page

CALLS = {
    ("/api/v1/login", "post"),
    ("/api/v1/codes/{feature_code}", "get"),
    ("/api/v1/enrolments", "get"),
    ("/api/v1/enrolments", "post"),
    ("/api/v1/enrolments/{enrolment_id}", "get"),
    ("/api/v1/enrolments/{enrolment_id}/photos", "post"),
    ("/api/v1/enrolments/{enrolment_id}/order", "post"),
    ("/api/v1/photos/{photo_id}", "get"),
    ("/api/v1/photos/{photo_id}", "delete"),
    ("/api/v1/photos/{photo_id}/image", "get"),
    ("/api/v1/photos/{photo_id}/overlay", "get"),
    ("/api/v1/orders/{out_trade_no}", "get"),
}


def test_openapi_describes_every_call_of_the_mini_program(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    described = {
        (path, method)
        for path, methods in spec["paths"].items()
        for method in methods
        if method != "parameters"
    }
    assert described >= CALLS
    assert all(path.startswith("/api/") for path, _ in described)
    secured = spec["paths"]["/api/v1/enrolments"]["get"]["security"]
    assert secured
    assert "security" not in spec["paths"]["/api/v1/login"]["post"]


def test_docs_page_names_every_call(client: FlaskClient) -> None:
    page = read_page(client.get("/docs"))
    for path, _ in CALLS:
        assert path in page.text


def test_every_example_of_the_reference_fits_its_schema(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()
    names = [name for name in spec["components"]["schemas"] if name != "UploadForm"]
    assert len(names) > 30
    for name in names:
        schema = {"$ref": f"#/components/schemas/{name}"}
        example = make_example(spec, schema)
        jsonschema.validate(example, schema | {"components": spec["components"]})


def test_reference_expands_what_answers_hold_and_names_the_errors(client: FlaskClient) -> None:
    page = read_page(client.get("/docs"))
    for path in ("data.photo.findings[].message", "data.payment.paySign", "consent_version"):
        assert path in page.text
    for code in ("identity_mismatch", "would_lose_batch", "too_many_requests", "daily_limit"):
        assert code in page.text
    assert "review" not in {line.code.partition("_")[0] for line in list_errors()}
    ids = set(re.findall(r'id="([^"]+)"', page.html))
    links = set(re.findall(r'href="#([^"]+)"', page.html))
    assert links <= ids
    spec = client.get("/openapi.json").get_json()
    assert {one.anchor for one in list_operations(spec)} <= links
    assert "<script" not in page.html
