"""What goes over the wire about consents and rights."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import BaseModel, Field

from server.api.schemas import Envelope, GuardianIn, ShortText


class OneConsentOut(BaseModel):
    """One consent of one enrolment. None is ever given before somebody gives it."""

    enrolment_id: uuid.UUID
    kind: str = Field(description="``photo``, ``faces``, or the key of a receiver")
    title: str
    text: str
    given: bool = Field(description="it holds now, under the present notice")
    version: str = Field(description="of the notice that the last decision saw, or empty")
    at: dt.datetime | None = Field(description="when it was given or withdrawn last")
    may_ask: bool = Field(
        description="a page may ask for it: not given, and no withdrawal in the last 48 hours"
    )


class EnrolmentConsentsOut(BaseModel):
    """Whose consents these are, and the notice that they are given to."""

    enrolment_id: uuid.UUID
    institution: str
    student_no: str
    name: str
    version: str
    text: str = Field(description="the whole notice")
    by_guardian: bool = Field(description="under 14: a guardian decides")


class ConsentListOut(BaseModel):
    """Every consent that can be given or withdrawn, one by one."""

    items: list[OneConsentOut]
    enrolments: list[EnrolmentConsentsOut]


class ConsentIn(BaseModel):
    """One decision."""

    kind: ShortText
    given: bool
    enrolment_id: uuid.UUID | None = Field(
        default=None, description="needed where the user has bound several"
    )
    guardian: GuardianIn | None = None


class RequestIn(BaseModel):
    """What a person asks for about the own data."""

    kind: Literal["correction", "deletion"]
    text: str = Field(
        default="", max_length=1000, description="what is wrong and what it should be"
    )
    enrolment_id: uuid.UUID | None = Field(
        default=None, description="needed where the user has bound several"
    )


class RequestOut(BaseModel):
    """One request and where it stands."""

    id: uuid.UUID
    enrolment_id: uuid.UUID
    kind: str
    label: str
    state: Literal["open", "granted", "refused", "done"]
    state_label: str
    text: str
    asked_at: dt.datetime
    due_at: dt.datetime = Field(description="the last moment of an answer that is in time")
    answer: str = Field(description="the decision's reason; empty while there is none")
    decided_at: dt.datetime | None
    done_at: dt.datetime | None


class RequestListOut(BaseModel):
    """All requests of the user, newest first."""

    items: list[RequestOut]


class RequestAnswer(Envelope[RequestOut]):
    """Answer with one request."""


class RequestListAnswer(Envelope[RequestListOut]):
    """Answer with all requests."""


class ConsentListAnswer(Envelope[ConsentListOut]):
    """Answer with all consents."""
