"""The empty roster to fill in: every column as text, and a sheet that explains them."""

from __future__ import annotations

import io

from models import REGISTER_STATUSES
from server.services.roster.columns import COLUMNS, MAX_ROWS, REQUIRED_COLUMNS

WIDTH = 20
EXPLANATIONS = {
    "学号": "必填，同一院校内不能重复；再次导入时按学号更新",
    "姓名": "必填，与身份证件一致",
    "身份证号": "必填；18 位居民身份证、港澳台居民居住证或通行证、外国人永久居留证或护照。"
    "请保持“文本”格式：数字格式只保留 15 位",
    "层次": "例如 专升本、高起专、高起本",
    "专业": "",
    "学习中心": "必填；上传时可选择是否新建未知的学习中心",
    "入学批次": "例如 2020 秋",
    "预计毕业": "例如 2023 春",
    "班级": "可不填；催办时按班级查看",
    "考场": "可不填；打印照片时按考场和座位排列",
    "座位号": "可不填；例如 1、01、3-12",
    "手机号": "可不填；加密保存，用于提醒。请保持“文本”格式",
    "减免": "可不填；写了原因（例如 建档立卡）就免收费用，空着不改变。原因加密保存",
    "学籍状态": f"{'、'.join(REGISTER_STATUSES)} 之一；空着按 {REGISTER_STATUSES[0]}",
}


def write_template() -> bytes:
    """Return an xlsx whose first sheet has the header only, so that nothing must be deleted."""
    # Loaded here: it brings numpy, 16 MB that the web process does without.
    import openpyxl
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "名单"
    sheet.append(list(COLUMNS))
    for place, cell in enumerate(sheet[1], start=1):
        cell.font = Font(bold=True)
        column = sheet.column_dimensions[get_column_letter(place)]
        column.width, column.number_format = WIDTH, "@"
    sheet.freeze_panes = "A2"
    notes = book.create_sheet("填写说明")
    notes.append(["列", "是否必填", "说明"])
    for name in COLUMNS:
        notes.append([name, "必填" if name in REQUIRED_COLUMNS else "", EXPLANATIONS[name]])
    notes.append([])
    notes.append(["只读取第一张表，第一行必须是列名；最多", "", f"{MAX_ROWS} 行"])
    notes.column_dimensions["C"].width = 80
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
