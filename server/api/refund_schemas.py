"""What goes over the wire about a refund that a student asks for."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Literal

from pydantic import BaseModel, Field

from server.api.schemas import Envelope


class RefundRequestIn(BaseModel):
    """Why the fee should go back."""

    reason: str = Field(max_length=1000, description="1 to 200 characters, for finance to read")


class RefundRequestOut(BaseModel):
    """The newest request and its answer."""

    state: Literal["requested", "accepted", "refused"]
    label: str
    reason: str = Field(description="the words of whoever asked; nobody else reads them")
    asked_at: dt.datetime
    due_at: dt.datetime = Field(description="the last moment of an answer that is in time")
    answer: str = Field(description="why; empty while there is none")
    decided_at: dt.datetime | None


class RefundOut(BaseModel):
    """A paid order as its payer asks about it."""

    out_trade_no: str
    enrolment_id: uuid.UUID
    institution: str
    order_state: str
    amount_fen: int
    paid_at: dt.datetime | None
    transaction_id: str = Field(description="WeChat's number; empty while nothing was paid")
    label: str = Field(description="where the refund stands, in Chinese; empty: nothing asked")
    can_request: bool
    why_not: str = Field(description="why no refund can be asked for now; empty where one can")
    has_receipt: bool
    request: RefundRequestOut | None


class RefundAnswer(Envelope[RefundOut]):
    """Answer with where a refund stands."""
