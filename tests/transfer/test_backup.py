"""``flask backup`` and ``flask restore``: a restore equals the original, or touches nothing."""

from __future__ import annotations

import dataclasses
import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, inspect, select, update

from models import DeletionRecord, Enrolment, FieldCipher, Photo
from server.context import Context
from server.db import Database, head_revision
from server.gateways.clock import SettableClock
from server.gateways.photo_store import FolderPhotoStore, content_key, hash_bytes
from server.services.upkeep.check_integrity import check_integrity
from server.transfer.back_up import back_up
from server.transfer.backup_folder import BackupFolder
from server.transfer.report import TransferRefused
from server.transfer.restore import restore
from server.transfer.rows import Digest, TableShape, digest_rows, list_shapes
from tests.transfer.college import ORIGINAL, STANDARD

NEW = b"\xff\xd8\xff a photo that came during the backup"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "backup"


@pytest.fixture
def elsewhere(college: Context, target: Database, tmp_path: Path) -> Context:
    """Another machine with the same keys, another engine and nothing on it."""
    store = FolderPhotoStore(tmp_path / "elsewhere")
    return dataclasses.replace(college, db=target, photo_store=store)


def digests(ctx: Context) -> dict[str, object]:
    with ctx.db.engine.connect() as connection:
        return {shape.name: digest_rows(connection, shape) for shape in list_shapes()}


@pytest.mark.engines
def test_restore_equals_the_moment_of_the_backup(
    college: Context, elsewhere: Context, backup: Path
) -> None:
    """Rows change and photos come while the backup runs; it holds the state at its beginning."""
    before = digests(college)

    def write_meanwhile(label: str, done: int, _total: int) -> None:
        if (label, done) != ("tables", 1):
            return
        with college.db.write() as session:
            session.execute(update(Enrolment).values(major="changed"))
            session.add(
                DeletionRecord(at=college.now(), subject_kind="x", subject_id="x", reason="x")
            )
        college.photo_store.put(content_key("originals", hash_bytes(NEW), ".bin"), NEW)

    report = back_up(college, backup, progress=write_meanwhile)
    assert (report.photo_count, report.new_photo_count, report.missing_photos) == (2, 2, [])
    restore(elsewhere, backup)
    assert digests(elsewhere) == before
    assert before != digests(college)
    assert elsewhere.db.current_revision() == head_revision()
    assert list(check_integrity(elsewhere, has_to_read_files=True)) == []
    with elsewhere.db.read() as session:
        first = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
        assert first is not None
        assert first.decrypt_id_number(college.cipher) == "110101199003070011"
    hidden = [path for path in backup.rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & 0o077 == 0 for path in hidden)
    keys = college.settings.field_keys.partition("=")[2]
    assert not any(keys.encode() in path.read_bytes() for path in hidden)


def test_second_backup_copies_what_is_new_and_forgets_what_is_old(
    college: Context, elsewhere: Context, backup: Path
) -> None:
    assert isinstance(college.clock, SettableClock)
    back_up(college, backup)
    college.clock.advance(days=1)
    second = back_up(college, backup)
    assert (second.photo_count, second.new_photo_count) == (2, 0)
    with college.db.write() as session:
        session.execute(update(Photo).values(original_key=None))
    college.clock.advance(days=1)
    third = back_up(college, backup, keep=1)
    assert third.forgotten_count == 1
    folder = BackupFolder(backup)
    assert folder.list_names() == [third.name]
    assert [hash_bytes(folder.photos.get(key)) for key in folder.photos.list_keys()] == [
        hash_bytes(STANDARD)
    ]
    restore(elsewhere, backup)
    assert digests(elsewhere) == digests(college)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def damage_table(folder: Path) -> None:
    cut_off(next(folder.glob("snapshots/*/tables/enrolment.jsonl.gz")))


def damage_manifest(folder: Path) -> None:
    cut_off(next(folder.glob("snapshots/*/manifest.json")))


def lose_table(folder: Path) -> None:
    next(folder.glob("snapshots/*/tables/staff.jsonl.gz")).unlink()


def lose_photo(folder: Path) -> None:
    (folder / "photos" / content_key("originals", hash_bytes(ORIGINAL), ".bin")).unlink()


def damage_photo(folder: Path) -> None:
    path = folder / "photos" / content_key("originals", hash_bytes(ORIGINAL), ".bin")
    path.write_bytes(bytes(len(ORIGINAL)))


def forge_row(folder: Path) -> None:
    """Change a row and its file's hash: only the digest of the rows still tells."""
    path = next(folder.glob("snapshots/*/tables/heartbeat.jsonl.gz"))
    forged = gzip.decompress(path.read_bytes()).replace(b"worker", b"w0rker")
    path.write_bytes(gzip.compress(forged))
    manifest = path.parents[1] / "manifest.json"
    values = json.loads(manifest.read_bytes())
    entry = next(each for each in values["tables"] if each["shape"]["name"] == "heartbeat")
    entry["sha256"] = hash_bytes(path.read_bytes())
    manifest.write_text(json.dumps(values))


def make_newer(folder: Path) -> None:
    manifest = next(folder.glob("snapshots/*/manifest.json"))
    values = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps({**values, "revision": "9999"}))


HARMS = {
    "damaged, 1 files: tables/enrolment": damage_table,
    "manifest cannot be read": damage_manifest,
    "damaged, 1 files: tables/staff": lose_table,
    "damaged, 1 files: photos/originals": lose_photo,
    "damaged, 1 files: photos/originals/": damage_photo,
    "made by a newer version": make_newer,
}
WRONG_KEYS = {
    "FIELD_KEYS": FieldCipher({"k1": b"x" * 32}, b"i" * 32),
    "INDEX_KEY": FieldCipher({"k1": b"f" * 32}, b"x" * 32),
}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_damaged_backup_and_wrong_keys_touch_nothing(
    college: Context, elsewhere: Context, backup: Path, tmp_path: Path
) -> None:
    back_up(college, backup)
    for place, (line, harm) in enumerate(HARMS.items()):
        harmed = tmp_path / f"harmed-{place}"
        shutil.copytree(backup, harmed)
        harm(harmed)
        with pytest.raises(TransferRefused, match=line):
            restore(elsewhere, harmed)
    for setting, cipher in WRONG_KEYS.items():
        with pytest.raises(TransferRefused, match=setting):
            restore(dataclasses.replace(elsewhere, cipher=cipher), backup)
    with pytest.raises(TransferRefused, match="no snapshot"):
        restore(elsewhere, tmp_path / "nothing")
    assert elsewhere.db.current_revision() is None
    assert list(elsewhere.photo_store.list_keys()) == []
    forge_row(backup)
    with pytest.raises(TransferRefused, match="heartbeat differs"):
        restore(elsewhere, backup)
    assert {getattr(each, "count", None) for each in digests(elsewhere).values()} == {0}


def test_only_an_empty_installation_is_filled_unless_forced(
    college: Context, elsewhere: Context, backup: Path, granting_owner: Database
) -> None:
    back_up(college, backup)
    with pytest.raises(TransferRefused, match="not empty"):
        restore(college, backup)
    elsewhere.photo_store.put("exports/aa/old.zip", b"old")
    with pytest.raises(TransferRefused, match="photo store holds objects"):
        restore(elsewhere, backup)
    original = digests(college)
    with college.db.write() as session:
        session.execute(delete(DeletionRecord))
    stray = content_key("originals", hash_bytes(NEW), ".bin")
    college.photo_store.put(stray, NEW)
    restore(dataclasses.replace(college, db=granting_owner), backup, is_forced=True)
    assert digests(college) == original
    assert not college.photo_store.has(stray)
    assert list(check_integrity(college, has_to_read_files=True)) == []


def test_photo_that_the_store_had_lost_is_named_and_the_rest_is_kept(
    college: Context, elsewhere: Context, backup: Path
) -> None:
    key = content_key("originals", hash_bytes(ORIGINAL), ".bin")
    college.photo_store.delete(key)
    assert back_up(college, backup).missing_photos == [key]
    restore(elsewhere, backup)
    assert [each.kind for each in check_integrity(elsewhere)] == ["row_without_file"]


def rewrite_as_first_schema(folder: Path) -> None:
    """Make the backup look as the first version wrote it: without what came later."""
    first = Database(f"sqlite:///{folder / 'first.db'}")
    first.migrate("0001")
    with first.engine.connect() as connection:
        inspector = inspect(connection)
        had = {
            table: {column["name"] for column in inspector.get_columns(table)}
            for table in inspector.get_table_names()
        }
    first.dispose()
    manifest = next(folder.glob("snapshots/*/manifest.json"))
    values = json.loads(manifest.read_bytes())
    values["revision"] = "0001"
    values["tables"] = [each for each in values["tables"] if each["shape"]["name"] in had]
    # consents pointed at their text then, so that version wrote the texts before them
    first_two = ("institution", "consent_text")
    values["tables"].sort(key=lambda each: each["shape"]["name"] not in first_two)
    for entry in values["tables"]:
        path = manifest.parent / "tables" / f"{entry['shape']['name']}.jsonl.gz"
        rewrite_table(path, entry, had[entry["shape"]["name"]])
    manifest.write_text(json.dumps(values))


def rewrite_table(path: Path, entry: dict[str, Any], kept: set[str]) -> None:
    columns = entry["shape"]["columns"]
    places = [place for place, name in enumerate(columns) if name in kept]
    entry["shape"]["columns"] = {name: kind for name, kind in columns.items() if name in kept}
    shape, digest = TableShape(**entry["shape"]), Digest()
    lines = []
    for line in gzip.decompress(path.read_bytes()).splitlines():
        row = json.loads(line)
        short = json.dumps([row[place] for place in places]).encode()
        lines.append(shape.encode(shape.decode(short)))
        digest.add(lines[-1])
    path.write_bytes(gzip.compress(b"\n".join([*lines, b""])))
    entry.update(digest.as_json(), sha256=hash_bytes(path.read_bytes()))


def test_backup_of_an_older_schema_is_brought_up_to_date(
    college: Context, elsewhere: Context, backup: Path
) -> None:
    back_up(college, backup)
    rewrite_as_first_schema(backup)
    restore(elsewhere, backup)
    assert elsewhere.db.current_revision() == head_revision()
    with elsewhere.db.read() as session:
        codes = session.scalars(select(Enrolment.photo_number)).all()
    assert len(set(codes)) == 60
    assert all(codes)
    assert list(check_integrity(elsewhere, has_to_read_files=True)) == []
