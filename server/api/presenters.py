"""How rows become the schemas of the API: masking and shortening happen here."""

from __future__ import annotations

import math
from typing import Any

from imagecheck.advice import choose_first
from models import FeatureCode, Photo, PhotoState
from server.api import schemas
from server.context import Context
from server.services.feature_codes import PHOTO_TIPS
from server.services.id_numbers import mask_id_number, mask_name
from server.services.queue_wait import estimate_wait_s
from server.services.rejection_reasons import REASONS
from server.services.submit_photo import MAX_PHOTO_BYTES
from server.services.view_enrolment import EnrolmentView


def show_photo(ctx: Context, photo: Photo) -> schemas.PhotoOut:
    """Return a photo with its findings, or with an estimate while it waits."""
    report: dict[str, Any] = photo.report or {}
    findings = [schemas.FindingOut(**finding) for finding in report.get("findings", [])]
    is_waiting = photo.state is PhotoState.RECEIVED
    base = f"/api/v1/photos/{photo.id}"
    return schemas.PhotoOut(
        id=photo.id,
        state=photo.state,
        verdict=photo.verdict.value if photo.verdict else None,
        findings=findings,
        first_findings=list(choose_first(findings)),
        measurements=report.get("measurements", {}),
        submitted_at=photo.submitted_at,
        checked_at=photo.checked_at,
        image=f"{base}/image" if photo.standard_key else None,
        overlay=f"{base}/overlay" if photo.overlay_svg else None,
        poll=base if is_waiting else None,
        estimate_s=math.ceil(estimate_wait_s(ctx)) if is_waiting else None,
    )


def show_enrolment(ctx: Context, view: EnrolmentView) -> schemas.EnrolmentOut:
    """Return an enrolment with the person's data masked."""
    row = view.enrolment
    target = view.target_batch
    return schemas.EnrolmentOut(
        id=row.id,
        institution=row.institution.name,
        student_no=row.student_no,
        name=mask_name(row.name),
        id_number=mask_id_number(view.id_number),
        level=row.level,
        major=row.major,
        centre=schemas.CentreOut(name=row.centre.name, contact=row.centre.contact),
        register_status=row.register_status,
        eligible=view.is_eligible,
        status=_show_status(row.collection_status),
        batch=view.batch_label,
        target_batch=target.label if target else None,
        target_cutoff_at=target.cutoff_at if target else None,
        next_step=view.next_step,
        fee_fen=view.code.fee_fen if view.code else 0,
        fee_settled=row.fee_settled_at is not None,
        feature_code=view.code.code if view.code else None,
        photo=show_photo(ctx, view.latest_photo) if view.latest_photo else None,
        order=_show_order(view),
        last_review=_show_review(view),
        history=[
            schemas.HistoryOut(at=change.at, status=_show_status(change.to_status))
            for change in view.history
        ],
    )


def _show_status(status: Any) -> schemas.StatusOut:
    return schemas.StatusOut(value=status.value, label=status.label)


def _show_order(view: EnrolmentView) -> schemas.OrderBrief | None:
    order = view.order
    if order is None:
        return None
    return schemas.OrderBrief(
        out_trade_no=order.out_trade_no,
        state=order.state,
        amount_fen=order.amount_fen,
        paid_at=order.paid_at,
    )


def _show_review(view: EnrolmentView) -> schemas.ReviewOut | None:
    review = view.last_review
    if review is None:
        return None
    return schemas.ReviewOut(
        decision=review.decision,
        reasons=review.reason_codes,
        reason_texts=[REASONS.get(code, code) for code in review.reason_codes],
        note=review.note,
        at=review.at,
    )


def show_requirements(code: FeatureCode) -> schemas.PhotoRequirementsOut:
    """Return what a photo must be under this code."""
    return schemas.PhotoRequirementsOut(
        max_bytes=MAX_PHOTO_BYTES,
        types=["image/jpeg", "image/png"],
        width_px=480,
        height_px=640,
        tips=PHOTO_TIPS,
    )
