"""Tables of Caiji, one noun a file. Knows no Flask; imports nothing else of ours."""

from models.base import Base, UtcDateTime, new_id
from models.batch import NO_BATCH_LABEL, Batch
from models.encryption import FieldCipher, FieldUnreadable, describe_place, read_key_id
from models.enrolment import (
    REGISTER_STATUSES,
    REGISTERED,
    CollectionStatus,
    Enrolment,
    index_id_number,
)
from models.feature_code import CollectionMode, FeatureCode
from models.institution import Institution, LearningCentre
from models.operations import BackgroundJob, DeletionRecord, Heartbeat, WechatAccessToken
from models.outbox import OutboxMessage
from models.payment import (
    Order,
    OrderState,
    PaymentNotice,
    QuarantinedPayment,
    Reconciliation,
    ReconciliationDifference,
    Refund,
    RefundState,
)
from models.photo import Photo, PhotoState, Verdict
from models.review import Decision, Review
from models.staff import AuditEntry, Role, Staff, StaffSession
from models.status_change import StatusChange
from models.wechat_user import (
    ApiToken,
    ConsentRecord,
    ConsentText,
    MessageAllowance,
    WechatUser,
    index_openid,
)

__all__ = [
    "NO_BATCH_LABEL",
    "REGISTERED",
    "REGISTER_STATUSES",
    "ApiToken",
    "AuditEntry",
    "BackgroundJob",
    "Base",
    "Batch",
    "CollectionMode",
    "CollectionStatus",
    "ConsentRecord",
    "ConsentText",
    "Decision",
    "DeletionRecord",
    "Enrolment",
    "FeatureCode",
    "FieldCipher",
    "FieldUnreadable",
    "Heartbeat",
    "Institution",
    "LearningCentre",
    "MessageAllowance",
    "Order",
    "OrderState",
    "OutboxMessage",
    "PaymentNotice",
    "Photo",
    "PhotoState",
    "QuarantinedPayment",
    "Reconciliation",
    "ReconciliationDifference",
    "Refund",
    "RefundState",
    "Review",
    "Role",
    "Staff",
    "StaffSession",
    "StatusChange",
    "UtcDateTime",
    "Verdict",
    "WechatAccessToken",
    "WechatUser",
    "describe_place",
    "index_id_number",
    "index_openid",
    "new_id",
    "read_key_id",
]
