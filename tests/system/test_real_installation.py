"""A college's own installation, outside demo mode: the README's commands, then one student."""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.processes import ROOT, start_line
from benchmarks.rig.stack import Stack, Student, wait_until
from sandbox.keys import load_or_create_keys, save_keys
from tests.rounds import few

COLLEGE = "某某大学继续教育学院"
STUDENT = {"name": "张伟", "id_number": "110101199003070011"}
ROSTER = (
    "学号,姓名,身份证号,层次,专业,学习中心,入学批次,预计毕业,学籍状态\n"
    "20230001,张伟,110101199003070011,专升本,法学,北京学习中心,2023春,2026秋,在籍\n"
)


def random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def read_procfile() -> dict[str, str]:
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


class Installation(Stack):
    """The processes with an operator's settings; WeChat is the simulated one, with other keys."""

    runs_procfile = False
    """Whether web and worker are started by the Procfile's own lines, and not as forks."""

    def launch(self, name: str) -> None:
        line = read_procfile().get(name) if self.runs_procfile else None
        if line is None:
            super().launch(name)
            return
        log = self.folder / f"{name}.log"
        self.processes[name] = start_line(line, env=self.environment, stdout=log)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "CAIJI_DEMO": "0"}


def pay_settings(version: str, folder: Path) -> dict[str, str]:
    keys = load_or_create_keys(folder / "sandbox").stored
    # the sandbox's own app id is refused outside demo mode
    keys["app_id"] = "wx" + secrets.token_hex(8)
    save_keys(folder / "sandbox", keys)
    common = {"WECHAT_APP_ID": keys["app_id"], "WECHAT_APP_SECRET": keys["app_secret"]}
    common["PAY_MCH_ID"] = keys["mch_id"]
    if version == "v2":
        return {**common, "PAY_V2_KEY": keys["api_v2_key"], "PAY_V2_SIGN_TYPE": "HMAC-SHA256"}
    merchant = folder / "merchant.pem"
    merchant.write_text(keys["merchant_private_key"])
    pairs = []
    for serial, pem in keys["verify_keys"].items():
        (folder / f"{serial}.pem").write_text(pem)
        pairs.append(f"{serial}={folder / serial}.pem")
    return {
        **common,
        "PAY_V3_KEY": keys["api_v3_key"],
        "PAY_MERCHANT_SERIAL": keys["merchant_serial"],
        "PAY_MERCHANT_KEY_FILE": str(merchant),
        "PAY_VERIFY_KEYS": ",".join(pairs),
    }


@contextlib.contextmanager
def install(version: str, folder: Path) -> Iterator[Installation]:
    stack = Installation(folder)
    stack.runs_procfile = version == "v3"
    values = {
        **pay_settings(version, folder),
        "DATABASE_URL": f"sqlite:///{folder}/college.db",
        "QUEUE_URL": f"sqlite:///{folder}/waiting.db",
        "PHOTO_STORE": str(folder / "photos"),
        "FIELD_KEYS": f"k1={random_key()}",
        "INDEX_KEY": random_key(),
        "SECRET_KEY": secrets.token_urlsafe(40),
        "PUBLIC_URL": "https://photo.example.edu.cn",
        "PAY_VERSION": version,
        # https, as it has to be, but nobody speaks TLS there: every callback is lost
        "PAY_NOTIFY_URL": f"https://127.0.0.1:{stack.port}/pay/notify/{version}",
        "WECHAT_API_URL": stack.sandbox_url,
        "PAY_API_URL": stack.sandbox_url,
    }
    stack.extra.update({f"CAIJI_{name}": value for name, value in values.items()})
    stack.flask("db", "upgrade")
    stack.flask("institution", "add", COLLEGE)
    roster = folder / "名单.csv"
    roster.write_bytes(ROSTER.encode("gb18030"))
    stack.flask("roster", "import", str(roster), "--institution", COLLEGE, "--create-centres")
    stack.flask("code", "add", " Y0814V ", "--institution", COLLEGE, "--fee-fen", "2000")
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture(scope="module", params=few(("v3", "v2"), lambda version: version == "v3"))
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Each version of pay has its own settings only: none of the other's is set."""
    with install(request.param, tmp_path_factory.mktemp("college")) as running:
        yield running


def test_student_pays_and_the_payment_is_found_without_a_callback(
    installation: Installation,
) -> None:
    student = Student(installation, STUDENT).sign_in().bind()
    photo = student.upload(phone_photo_bytes()).json()["data"]
    assert student.wait_for_verdict(photo["id"])["verdict"] in {"pass", "warn"}
    order = student.open_order()
    student.pay(order)

    def is_paid() -> bool:
        answer = student.http.get(f"/orders/{order['out_trade_no']}").json()["data"]
        return bool(answer["state"] == "paid")

    wait_until(is_paid, 45, "the lost callback settles while the student asks")
    assert student.wait_for_status("uploaded")["next_step"] == "wait_review"


def test_first_administrator_gets_a_one_time_password(installation: Installation) -> None:
    line = installation.flask("staff", "add", "chief", "--role", "admin").splitlines()[-1]
    username, password = line.split()
    assert username == "chief"
    assert len(password) >= 12
    centre = ("--role", "centre", "--centre", "北京学习中心")
    assert installation.flask("staff", "add", "desk", *centre).startswith("desk ")


def test_procfile_lines_serve_on_the_port_they_are_given(installation: Installation) -> None:
    """The Procfile is what a platform or a unit file runs: the installation of v3 runs on it."""
    assert set(read_procfile()) == {"web", "worker"}
    if installation.runs_procfile:
        for name, line in read_procfile().items():
            command = Path(f"/proc/{installation.processes[name].pid}/cmdline").read_bytes()
            assert line.split()[-1].encode() in command.split(b"\0"), name
    assert httpx.get(f"{installation.url}/healthz").status_code == 200


def test_demo_students_are_refused_outside_the_demo(installation: Installation) -> None:
    with pytest.raises(AssertionError, match="CAIJI_DEMO"):
        installation.flask("demo", "students")
