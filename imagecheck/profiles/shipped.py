"""The profiles that come with the program; docs/photo-profiles.md tells each one's source.

A college switches on what it needs and may change every number: offices change theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from imagecheck.profiles.photo_profile import HeadRule, Measure, PhotoProfile

_CET_HEAD: Mapping[Measure, HeadRule] = MappingProxyType(
    {
        "top": HeadRule(0.06, 0.14),
        "head_neck": HeadRule(0.64, 0.76),
        "shoulders": HeadRule(0.14, 0.26),
    }
)
"""The rule says "1/10, 7/10, 1/5" and gives no tolerance; ours is 4 to 6 hundredths."""
_ID_HEAD: Mapping[Measure, HeadRule] = MappingProxyType(
    {"top": HeadRule(7, 21, "px"), "face_width": HeadRule(193, 221, "px")}
)
_MOE = "教毕指[2017]99号《高等教育学历证书电子注册图像采集规范及信息标准》"
_CET = "全国大学英语四、六级考试报名照片标准，见各校报名通知"
_GA461 = "GA 461-2004 居民身份证制证用数字相片技术要求"
_PRINTED = "照相馆通行的印刷尺寸，300 dpi"

_PROFILES = (
    PhotoProfile(
        "moe-2017", "学历注册", 480, 640, 300, 20, 40, ("blue", "white", "grey"),
        is_standard=True, source=_MOE, dated="2017", confidence="high",
    ),
    PhotoProfile(
        "degree", "学位证", 480, 640, 300, 20, 40, ("blue", "white", "grey"),
        is_standard=True, source="各校做法：学位证与毕业证用同一张照片", dated="2024",
        confidence="medium",
    ),
    PhotoProfile(
        "degree-shanghai", "学位证（上海，小2寸）", 390, 567, 300, None, 40, ("blue",),
        source="上海高校学位证书照片说明：小2寸，高567宽390，约40K，蓝底", dated="2020",
        confidence="medium",
    ),
    PhotoProfile(
        "degree-2009", "学位证（自考旧格式）", 150, 210, 300, None, 10, ("blue",),
        {"top": HeadRule(0.24, 0.34)}, file_name="id_number",
        source="学位中心〔2009〕34号，见浙江大学继续教育管理处通知：头顶约占高度3/10",
        dated="2009-10", confidence="low",
    ),
    PhotoProfile(
        "cet", "大学英语四、六级", 144, 192, 300, 20, 200, ("blue", "white"), _CET_HEAD,
        file_name="id_number", source=_CET, dated="2021-01", confidence="medium",
    ),
    PhotoProfile(
        "ncre", "全国计算机等级考试", 144, 192, 300, 20, 200, ("blue", "white"), _CET_HEAD,
        file_name="id_number", source="全国计算机等级考试报名照片标准，与四、六级相同",
        dated="2023", confidence="medium",
    ),
    PhotoProfile(
        "ntce", "中小学教师资格考试", 150, 200, 300, None, 200, ("white",),
        source="中小学教师资格考试报名照片要求：白底，不大于200K", dated="2023",
        confidence="low",
    ),
    PhotoProfile(
        "id-card", "身份证", 358, 441, 350, 14, 40, ("white",), _ID_HEAD,
        source=_GA461, dated="2004", confidence="high",
    ),
    PhotoProfile(
        "social-security", "社会保障卡", 358, 441, 350, 14, 40, ("white",), _ID_HEAD,
        source="社会保障卡制证用数字相片技术要求；脸宽按身份证的较严要求", dated="2019-04",
        confidence="high",
    ),
    PhotoProfile(
        "campus-card", "校园卡", 354, 472, 300,
        source="校园卡制卡常用尺寸（30×40毫米）", dated="2024", confidence="low",
    ),
    PhotoProfile(
        "student-card", "学生证（1寸）", 295, 413, 300,
        source=_PRINTED + "：25×35毫米", dated="2024", confidence="medium",
    ),
    PhotoProfile(
        "exam-face", "在线考试人脸底图", 480, 640, 300, 10, 200,
        source="在线考试人脸比对底图：不低于640×480，10-200K", dated="2024",
        confidence="low",
    ),
    PhotoProfile(
        "two-inch", "2寸", 413, 579, 300,
        source=_PRINTED + "：35×49毫米", dated="2024", confidence="medium",
    ),
    PhotoProfile(
        "small-two-inch", "小2寸", 390, 567, 300,
        source=_PRINTED + "：33×48毫米", dated="2024", confidence="medium",
    ),
)  # fmt: skip

SHIPPED: Mapping[str, PhotoProfile] = MappingProxyType({each.key: each for each in _PROFILES})


def find_photo_profile(key: str) -> PhotoProfile:
    """The shipped profile of that name.

    Raises:
        ValueError: there is none; the message names those that exist.
    """
    if key not in SHIPPED:
        raise ValueError(f"no photo profile {key!r}; there are {', '.join(SHIPPED)}")
    return SHIPPED[key]
