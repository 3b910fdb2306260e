"""Makes fresh keys and passwords in deploy/secrets, and leaves what is there alone.

Needs nothing but Python. What WeChat and the certificate authority give you (see the list at the
end) is put there by hand; then run it again: it lets the containers' users read every file, which
a private key copied from elsewhere seldom does.
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

FOLDER = Path(__file__).parent / "secrets"
OWNER = FOLDER / "caiji_database_owner_url"
GIVEN = {
    "caiji_wechat_app_secret": "AppSecret of the mini-program",
    "caiji_pay_v3_key": "APIv3 key of the merchant",
    "merchant_key": "apiclient_key.pem",
    "wechat_pay_key": "WeChat Pay's public key (PEM)",
    "tls_certificate": "certificate with its chain (PEM)",
    "tls_key": "its private key (PEM)",
}


def make_key() -> str:
    """Return 32 random bytes in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def main() -> None:
    """Write what is missing and name what has to be given."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    FOLDER.chmod(0o700)
    owner, service, store = (secrets.token_urlsafe(24) for _ in range(3))
    made = {
        "postgres_password": owner,
        "caiji_database_owner_url": f"postgresql+psycopg://caiji:{owner}@postgres:5432/caiji",
        "caiji_database_url": address_of_service(service),
        "s3_user": "caiji",
        "s3_password": store,
        "aws_credentials": "[default]\naws_access_key_id = caiji\n"
        f"aws_secret_access_key = {store}\n",
        "caiji_secret_key": secrets.token_urlsafe(48),
        "caiji_field_keys": f"k1={make_key()}",
        "caiji_index_key": make_key(),
    }
    if (FOLDER / "caiji_database_url").exists() and not OWNER.exists():
        # Made before there were two roles: the one that is there owns the tables.
        (FOLDER / "caiji_database_url").rename(OWNER)
        (FOLDER / "caiji_database_url").write_text(address_of_service(service))
        print("the service has a database role of its own now; nothing else was changed")
    elif any((FOLDER / name).exists() for name in made):
        print("keys are there already; nothing was changed")
    else:
        for name, value in made.items():
            (FOLDER / name).write_text(value)
        print(f"{len(made)} secrets made in {FOLDER}: keep a copy apart from the backups")
    for name, what in GIVEN.items():
        if not (FOLDER / name).exists():
            print(f"missing {name}: {what}")
    for path in FOLDER.iterdir():
        open_to_containers(path)


def address_of_service(password: str) -> str:
    """Return where the service finds the database, as a role that owns nothing in it."""
    return f"postgresql+psycopg://caiji_service:{password}@postgres:5432/caiji"


def open_to_containers(path: Path) -> None:
    """Let every user read a file whose folder only its owner enters: each image has its own user.

    The umask and the program that wrote the file do not matter.
    """
    path.chmod(0o644)


if __name__ == "__main__":
    main()
