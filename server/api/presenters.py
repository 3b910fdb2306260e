"""How rows become the schemas of the API: masking and shortening happen here."""

from __future__ import annotations

import math
from typing import Any

from imagecheck.advice import choose_first
from imagecheck.formats import DECODED
from models import FeatureCode, Photo, PhotoState
from server.api import schemas
from server.context import Context
from server.services.chsi.state import ChsiState
from server.services.college.codes import PHOTO_TIPS
from server.services.college.contact import read_contact
from server.services.id_numbers import mask_id_number, mask_name
from server.services.messages.reasons import describe_reason
from server.services.photo.queue_wait import estimate_wait_s
from server.services.student.view import EnrolmentView
from server.sizes import MAX_PHOTO_BYTES


def show_photo(ctx: Context, photo: Photo, *, estimate_s: float | None = None) -> schemas.PhotoOut:
    """Return a photo with its findings, or with an estimate (made now if none is given)."""
    report: dict[str, Any] = photo.report or {}
    findings = [schemas.FindingOut(**finding) for finding in report.get("findings", [])]
    is_waiting = photo.state is PhotoState.RECEIVED
    if is_waiting and estimate_s is None:
        estimate_s = estimate_wait_s(ctx)
    base = f"/api/v1/photos/{photo.id}"
    return schemas.PhotoOut(
        id=photo.id,
        state=photo.state,
        verdict=photo.verdict.value if photo.verdict else None,
        findings=findings,
        first_findings=list(choose_first(findings)),
        changes=[schemas.ChangeOut(**change) for change in report.get("changes", [])],
        unfinished=bool(report.get("unfinished")),
        measurements=report.get("measurements", {}),
        submitted_at=photo.submitted_at,
        checked_at=photo.checked_at,
        source=photo.source,
        can_change=photo.opened_at is None
        and photo.state in {PhotoState.RECEIVED, PhotoState.CHECKED},
        image=f"{base}/image" if photo.standard_key else None,
        overlay=f"{base}/overlay" if photo.overlay_svg else None,
        poll=base if is_waiting else None,
        estimate_s=math.ceil(estimate_s) if is_waiting and estimate_s is not None else None,
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
        target_cutoff_at=view.last_at,
        next_step=view.next_step,
        chsi=_show_chsi(view.chsi),
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
        contact=schemas.ContactOut(**read_contact(row.institution).as_data()),
        others=[
            schemas.OtherEnrolmentOut(
                id=other.id,
                student_no=other.student_no,
                level=other.level,
                major=other.major,
                status=_show_status(other.collection_status),
                next_step=next_step,
            )
            for other, next_step in view.others
        ],
    )


def _show_status(status: Any) -> schemas.StatusOut:
    return schemas.StatusOut(value=status.value, label=status.label)


def _show_chsi(state: ChsiState) -> schemas.ChsiOut:
    return schemas.ChsiOut(
        policy=state.policy.value,
        state=state.value,
        label=state.label,
        at=state.at,
        source=state.source,
        can_remove=state.can_remove,
        new_photo_from=state.new_photo_from,
        needs_new_photo=state.needs_new_photo,
        results=[
            schemas.ChsiResultOut(value=one.outcome.value, label=one.outcome.label, day=one.day)
            for one in state.results
        ],
    )


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
        reason_texts=[describe_reason(code) for code in review.reason_codes],
        note=review.note,
        at=review.at,
    )


def show_requirements(code: FeatureCode) -> schemas.PhotoRequirementsOut:
    """Return what a photo must be under this code."""
    return schemas.PhotoRequirementsOut(
        max_bytes=MAX_PHOTO_BYTES,
        types=list(DECODED.values()),
        width_px=480,
        height_px=640,
        tips=PHOTO_TIPS,
    )
