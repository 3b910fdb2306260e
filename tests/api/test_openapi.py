from flask.testing import FlaskClient

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
