"""A student's tap on “允许”: one tap allows one message of a template."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from models import MessageAllowance, WechatUser
from server.context import Context

TEMPLATES = ("photo_rejected", "photo_collected", "deadline_near", "refund", "data_request")
MAX_REMAINING = 20


def allow_messages(ctx: Context, user_id: uuid.UUID, templates: list[str]) -> None:
    """Add one allowance for each known template; unknown names are ignored."""
    with ctx.db.write() as session:
        session.scalars(
            select(WechatUser.id).where(WechatUser.id == user_id).with_for_update()
        ).one()
        for template in sorted(set(templates) & set(TEMPLATES)):
            row = session.scalars(
                select(MessageAllowance).where(
                    MessageAllowance.user_id == user_id, MessageAllowance.template == template
                )
            ).one_or_none()
            if row is None:
                row = MessageAllowance(user_id=user_id, template=template, remaining=0)
                session.add(row)
            row.remaining = min(row.remaining + 1, MAX_REMAINING)
