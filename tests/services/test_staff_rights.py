"""Acts of administrators on each other, at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from models import Role
from server.context import Context
from server.demo import INSTITUTION
from server.services.staff.accounts import NoLongerAdministrator, set_enabled
from server.services.staff.change_account import AccountChange, change_account
from server.services.staff.create import add_staff
from tests.college import view_as


@pytest.mark.engines
def test_two_administrators_who_take_each_others_rights_leave_one(demo: Context) -> None:
    add_staff(demo, username="second", role=Role.ADMIN, institution=INSTITUTION)
    admins = [view_as(demo, name) for name in ("admin", "second")]
    demoted = AccountChange("", "reviewer", ())

    def demote(me: int) -> bool:
        try:
            change_account(demo, admins[me], admins[1 - me].staff_id, demoted)
        except NoLongerAdministrator:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, (0, 1))) == [False, True]
    left = [me for me in (0, 1) if view_as(demo, admins[me].username).role is Role.ADMIN]
    assert len(left) == 1
    with pytest.raises(NoLongerAdministrator):
        set_enabled(demo, admins[1 - left[0]], admins[left[0]].staff_id, enabled=False)
