"""Tables of Caiji, one noun a file. Knows no Flask; imports nothing else of ours."""

from __future__ import annotations

from models.audit_seal import AuditSeal
from models.automatic_approval import AutomaticApproval, DrawnPhoto
from models.base import Base, UtcDateTime, new_id
from models.batch import NO_BATCH_LABEL, Batch, BatchWindow
from models.chsi import ChsiCode, ChsiPolicy, ChsiWaiver, index_chsi_code
from models.compliance import ImpactAssessment, StoredFaces
from models.consent import ConsentRecord, ConsentText, GuardianConsent
from models.crop_request import CropOutcome, CropRequest
from models.data_request import DataRequest, RequestKind, RequestState
from models.encryption import FieldCipher, FieldUnreadable, describe_place, read_key_id
from models.enrolment import (
    LEFT,
    REGISTER_STATUSES,
    REGISTERED,
    CollectionStatus,
    Enrolment,
    index_id_number,
)
from models.face import FaceEncoding, FaceHint, FaceHintKind, FaceReference, FaceSwitch
from models.feature_code import CollectionMode, FeatureCode
from models.handover import ChsiOutcome, ChsiResult, HandedOver, HandoverReceipt
from models.institution import Institution, LearningCentre
from models.operations import BackgroundJob, DeletionRecord, Heartbeat, WechatAccessToken
from models.outbox import OutboxMessage, SmsMessage
from models.payment import (
    HAS_MONEY,
    FeeWaiver,
    Order,
    OrderState,
    PaymentNotice,
    QuarantinedPayment,
    Reconciliation,
    ReconciliationDifference,
    Refund,
    RefundState,
    body_place,
)
from models.person_key import PersonKey
from models.photo import Photo, PhotoState, RefusedUpload, Verdict
from models.photo_profile import CutState, PhotoProfileRow, ProfilePhoto, ProfileTrial
from models.refund_request import RefundRequest, RefundRequestState
from models.restore_drill import RestoreDrill
from models.review import Decision, Review
from models.security import SecurityPolicy
from models.staff import AuditEntry, Role, Staff, StaffCentre, StaffSession, show_staff_name
from models.status_change import StatusChange
from models.wechat_user import (
    ApiToken,
    MessageAllowance,
    WechatUser,
    index_openid,
)

__all__ = [
    "HAS_MONEY",
    "LEFT",
    "NO_BATCH_LABEL",
    "REGISTERED",
    "REGISTER_STATUSES",
    "ApiToken",
    "AuditEntry",
    "AuditSeal",
    "AutomaticApproval",
    "BackgroundJob",
    "Base",
    "Batch",
    "BatchWindow",
    "ChsiCode",
    "ChsiOutcome",
    "ChsiPolicy",
    "ChsiResult",
    "ChsiWaiver",
    "CollectionMode",
    "CollectionStatus",
    "ConsentRecord",
    "ConsentText",
    "CropOutcome",
    "CropRequest",
    "CutState",
    "DataRequest",
    "Decision",
    "DeletionRecord",
    "DrawnPhoto",
    "Enrolment",
    "FaceEncoding",
    "FaceHint",
    "FaceHintKind",
    "FaceReference",
    "FaceSwitch",
    "FeatureCode",
    "FeeWaiver",
    "FieldCipher",
    "FieldUnreadable",
    "GuardianConsent",
    "HandedOver",
    "HandoverReceipt",
    "Heartbeat",
    "ImpactAssessment",
    "Institution",
    "LearningCentre",
    "MessageAllowance",
    "Order",
    "OrderState",
    "OutboxMessage",
    "PaymentNotice",
    "PersonKey",
    "Photo",
    "PhotoProfileRow",
    "PhotoState",
    "ProfilePhoto",
    "ProfileTrial",
    "QuarantinedPayment",
    "Reconciliation",
    "ReconciliationDifference",
    "Refund",
    "RefundRequest",
    "RefundRequestState",
    "RefundState",
    "RefusedUpload",
    "RequestKind",
    "RequestState",
    "RestoreDrill",
    "Review",
    "Role",
    "SecurityPolicy",
    "SmsMessage",
    "Staff",
    "StaffCentre",
    "StaffSession",
    "StatusChange",
    "StoredFaces",
    "UtcDateTime",
    "Verdict",
    "WechatAccessToken",
    "WechatUser",
    "body_place",
    "describe_place",
    "index_chsi_code",
    "index_id_number",
    "index_openid",
    "new_id",
    "read_key_id",
    "show_staff_name",
]
