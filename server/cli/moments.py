"""Moments and days as operators type them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from server.gateways.clock import NEAR_YEARS, is_near_year


class LocalMoment(click.DateTime):
    """A local moment or day, naive, within the years that this service can meet."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.datetime:
        """Return it; fails like every option."""
        moment: dt.datetime = super().convert(value, param, ctx)
        if not is_near_year(moment.year):
            self.fail(f"{value}: not within {NEAR_YEARS[0]} to {NEAR_YEARS[1]}", param, ctx)
        return moment


class LastMoment(LocalMoment):
    """A local moment until which something lasts; a day without a time means its last second."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.datetime:
        """Return it; fails like every option."""
        moment = super().convert(value, param, ctx)
        is_day = isinstance(value, str) and len(value.strip()) == len("2026-11-27")
        return moment + dt.timedelta(days=1, seconds=-1) if is_day else moment


DAY = LocalMoment(formats=["%Y-%m-%d"])
