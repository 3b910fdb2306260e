"""The notice that a new institution starts with: it names the institution and says what we do.

What only the college knows (its contact, its own receivers) is left empty; doctor and console ask
for it. The words describe this software as it is shipped, and are no legal advice.
"""

from __future__ import annotations

import re

from models import Institution
from server.services.compliance.kept_by_law import MONEY
from server.services.compliance.period import CODE_KEPT
from server.services.consent.parts import PERIODS, NoticeParts, Receiver

SHIPPED_VERSION = "2026-11"

OFFERED = {
    "student_card": "学生证",
    "degree": "学位证",
    "online_exam": "在线考试",
    "cet": "英语四六级考试",
}
"""Uses that leave the college, with the title of their consent; the form offers them."""


FOLLOW_THE_YEARS = ("identity", "photo")
"""Periods of the notice that are the institution's own years."""
YEARS = re.compile(r"(\d+)\s*年")


def make_shipped(institution: Institution, retention_days: int = 180) -> NoticeParts:
    """Return the shipped notice of an institution, with its contact where it is known.

    Its periods are those that retention goes by.
    """
    known = (institution.contact_name, institution.contact_phone, institution.contact_hours)
    return NoticeParts(
        processor=f"{institution.name}（个人信息处理者）",
        contact="，".join(part for part in known if part) if institution.contact_phone else "",
        purpose=(
            "为办理学历电子注册和学籍管理，核对身份并采集电子照片。照片由程序检测是否符合教育部图像采集"
            "标准，再由学校工作人员审核，用于学历注册、毕业证书和学籍卡。"
        ),
        necessity=(
            "按教育部学历电子注册的要求，没有合格的电子照片不能注册学历。姓名和证件号码只用来与学籍名单"
            "核对是不是本人。照片和证件号码是敏感个人信息，加密保存，对本人的影响限于上述用途。"
        ),
        refusal=(
            "不同意采集照片的，不能在本小程序采集，可以联系学校用其他方式办理。不同意某个接收方或人脸比对"
            "的，只影响那一项，照片采集、缴费和审核都不受影响。"
        ),
        rights=(
            "可以查看、复制自己的信息，可以申请更正和删除，可以要求解释处理规则。在小程序“隐私与数据”里"
            "办理，也可以带身份证到学校办理，学校在 15 个工作日内答复。对答复不满意的，可以向网信"
            "部门投诉。"
        ),
        withdrawal=(
            "在小程序“隐私与数据”里关掉对应的开关即可，与同意一样方便。撤回前已经做的处理不受影响；"
            "已经采集锁定的照片，撤回后学校会处理删除申请并答复。"
        ),
        faces=(
            "学校开启人脸比对时，用来比较本人的照片和本校其他学生的照片、本人以前提交的照片、学校保存的"
            "录取照片像不像，结果只供审核员参考，不会自动作出决定。不同意的，由审核员人工核对，结果和费用"
            "都一样。"
        ),
        guardian=(
            "未满 14 周岁的，由父母或其他监护人同意：在小程序里填写监护人，或到学校签纸质同意书。"
        ),
        periods={
            **dict.fromkeys(FOLLOW_THE_YEARS, f"批次结束后 {institution.kept_years} 年"),
            "raw_photo": f"照片审核通过后 {retention_days} 天",
            "chsi_code": f"交给图像采集单位并得到确认后 {CODE_KEPT.days} 天",
            "payment": f"按会计档案的规定保存，{MONEY.period}，不因申请删除而提前",
            "wechat": "解除绑定或登录失效后 30 天",
            "faces": "批次结束或撤回同意后立即删除",
        },
        registration=Receiver(
            "registration",
            "学历注册",
            name="教育部学生服务与素质发展中心（学信网）及其指定的图像采集单位",
            contact="010-67410388，www.chsi.com.cn",
            purpose="学历电子注册和学历证书图像比对",
            fields="照片、图像采集码",
            period="按学信网的规定",
        ),
        receivers=(),
    )


def list_other_years(parts: NoticeParts, kept_years: int) -> list[str]:
    """Return the periods of a notice that promise other years than retention goes by."""
    told = {name: YEARS.search(parts.periods.get(name, "")) for name in FOLLOW_THE_YEARS}
    return [PERIODS[name] for name, found in told.items() if found and int(found[1]) != kept_years]
