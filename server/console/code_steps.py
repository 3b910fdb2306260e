"""学生操作说明: the step-by-step instruction of one feature code, to attach to the notice.

Its pictures are of the mini-program itself; ``make pictures`` takes them anew.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import render_template

from models import FeatureCode, Institution, Role
from server.console.access import blueprint, current_viewer, roles
from server.services.college.code_picture import draw_code_picture
from server.services.college.contact import read_contact
from server.services.college.edit_codes import get_code
from server.surfaces import get_ctx


@dataclass(frozen=True, slots=True)
class Step:
    """One picture with its words; ``picture`` is a file in ``static/steps``."""

    picture: str
    title: str
    text: str


IN = (
    Step("code", "扫码或输入特征码", "用微信扫描左上方的码，特征码会自动填好；也可以手工输入。"),
    Step("college", "核对学校", "看清学校名称再点“是我的学校”。选错学校，照片不会进入毕业证书。"),
    Step("identity", "核对身份", "填写姓名和身份证号，读完告知书，勾选同意。"),
)
PHOTO = (
    Step("guide", "看拍摄要求", "浅色的墙，光线均匀，正对镜头，露出眉毛和耳朵。"),
    Step("capture", "拍照", "头和肩放进轮廓，手机扶正，横线变绿再按快门。"),
    Step("verdict", "看检测结论", "几秒钟出结果。不合格会说明怎么改，可以马上重拍。"),
)
PAY = Step("pay", "缴费", "用微信支付。审核不通过需要重拍时，不用再付。")
DONE = Step("status", "查看进度", "允许微信通知。状态变为“已采集(锁定)”就完成了。")


def list_steps(code: FeatureCode) -> list[Step]:
    """Return the steps of a code in their order: who pays first, who pays nothing."""
    if not code.fee_fen:
        return [*IN, *PHOTO, DONE]
    return [*IN, PAY, *PHOTO, DONE] if code.pay_first else [*IN, *PHOTO, PAY, DONE]


@blueprint.get("/codes/<uuid:code_id>/steps")
@roles(Role.ADMIN)
def code_steps(code_id: uuid.UUID) -> str:
    """Show the instruction to print."""
    ctx = get_ctx()
    row = get_code(ctx, current_viewer(), code_id)
    with ctx.db.read() as session:
        contact = read_contact(session.get_one(Institution, row.institution_id)).text
    return render_template(
        "console/code_steps.html",
        code=row,
        steps=list_steps(row),
        contact=contact,
        is_wechat=draw_code_picture(ctx, row.code).is_wechat,
    )
