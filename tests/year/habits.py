"""When each student does what: the year's plan, from a seed."""

from __future__ import annotations

import datetime as dt
import random

from server.gateways.clock import LOCAL_ZONE
from tests.year.people import Student
from tests.year.year import Year

SPRING = 5
EDGES = (-3000.0, -600.0, -75.0, -45.0, -25.0, -0.4, 0.0, 0.999, 1.0, 5.0)
"""Seconds from a cut-off at which people press the button; the cut-off's own second counts."""


def plan_all(year: Year) -> None:
    for student in year.students:
        plan_one(year, student, year.rng)


def plan_one(year: Year, student: Student, rng: random.Random) -> None:
    cutoff = find_season(student)
    comes = cutoff - dt.timedelta(days=rng.uniform(2, 30))
    comes = comes.replace(hour=rng.randint(13, 22))
    habit = student.habit
    if habit == "last_seconds":
        comes = cutoff + dt.timedelta(seconds=rng.choice(EDGES))
    if habit == "after":
        comes = cutoff + dt.timedelta(days=rng.uniform(0.1, 9))
    year.at(comes, year.come, student)
    later = comes.replace(hour=15) + dt.timedelta(days=rng.randint(1, 12))
    if habit == "replaces":
        year.at(cutoff + dt.timedelta(seconds=rng.choice(EDGES)), year.send, student)
    if habit.startswith("refunded") and habit != "refunded_by_us":
        is_whole = habit == "refunded_by_hand"
        year.at(later, lambda: year.refund_by_hand(student, is_whole=is_whole))
    if habit == "refunded_by_us":
        year.at(later, year.refund_by_us, student)
    if habit == "waived":
        year.at(comes + dt.timedelta(hours=rng.choice((-30, 20, 50))), year.waive, student)
    if habit in {"leaves", "comes_back"}:
        year.at(later, year.tell_roster, student, student.name, "退学")
    if habit == "comes_back":
        back = later + dt.timedelta(days=rng.randint(2, 40))
        year.at(back, year.tell_roster, student, student.name, "在籍")
        year.at(back + dt.timedelta(hours=3), year.order, student)
    if habit == "renamed":
        renamed = student.name + "新"
        year.at(comes - dt.timedelta(hours=5), year.tell_roster, student, renamed, "在籍")


def find_season(student: Student) -> dt.datetime:
    """The last moment for which this student's intake is asked."""
    is_spring = student.code == "spr27" or (student.code == "bcoll" and student.place % 2 == 0)
    cutoffs = student.college.cutoffs
    cutoff = next(each for each in cutoffs if each.month == SPRING) if is_spring else cutoffs[0]
    return student.facts.earlier.get(cutoff, cutoff)


def plan_foreign(year: Year, first: dt.date, last: dt.date) -> None:
    """The canteen and another installation sell something every second day."""
    for place in range(0, (last - first).days, 2):
        day = first + dt.timedelta(days=place)
        noon = dt.datetime.combine(day, dt.time(12, 15), LOCAL_ZONE)
        year.at(noon, year.sell_elsewhere, place)
