"""Why a file gets no verdict, each cause in words of its own. Loads nothing: the server asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from imagecheck.formats import DECODED, sniff_format
from imagecheck.report import Finding, write_sentence

ACCEPTED = "JPG、PNG、HEIC、AVIF、WebP"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Words for one cause; ``{detail}`` is what was found.

    Attributes:
        fact, advice: Chinese: what is wrong, what to do.
        fact_en, advice_en: the same in English.
        code: of the finding.
        is_ours: the fault need not be the photo's: the same bytes may come again.
    """

    fact: str
    advice: str
    fact_en: str
    advice_en: str
    code: str = "file.unreadable"
    is_ours: bool = False


REFUSALS: Mapping[str, Refusal] = MappingProxyType(
    {
        "empty": Refusal(
            "这个文件是空的",
            "请重新选择照片",
            "the file is empty",
            "choose the photo again",
        ),
        "no_picture": Refusal(
            "这个文件不是照片",
            "请从手机相册里选择一张照片",
            "the file is no photo",
            "choose a photo from the album",
        ),
        "damaged": Refusal(
            "照片文件不完整，有一部分已经损坏或丢失",
            "请从手机相册里重新选择原图上传，仍不行就重新拍一张",
            "a part of the photo is damaged or missing",
            "send the original from the album again, or take it again",
        ),
        "too_many_bytes": Refusal(
            "照片文件太大，系统无法处理",
            "请重新拍一张，或选择较小的照片",
            "the file is too large to be processed",
            "take the photo again or choose a smaller one",
        ),
        "too_many_pixels": Refusal(
            "照片尺寸太大，超过了 6400 万像素",
            "请用手机的普通拍照模式重新拍一张",
            "the photo has more than 64 million pixels",
            "take it again in the usual mode of the phone",
        ),
        "too_many_pixels_here": Refusal(
            "这种格式的照片像素太高，系统无法处理",
            "请用手机的普通拍照模式重新拍一张，或者另存为 JPG 再上传",
            "the photo has too many pixels for its file format",
            "take it again in the usual mode of the phone, or save it as JPG",
        ),
        "too_long": Refusal(
            "照片的形状太狭长，不像一张人像照片",
            "请选择一张普通的人像照片",
            "the picture is far too long to be a portrait",
            "choose an ordinary portrait",
        ),
        "too_many_scans": Refusal(
            "照片文件的存储方式异常，系统无法处理",
            "请用手机重新拍一张，或者从相册里选择另一张",
            "the file is stored in too many passes to be processed",
            "take it again with the phone, or choose another one from the album",
        ),
        "format": Refusal(
            "这是 {detail} 格式的图片，系统不支持",
            f"请上传手机直接拍摄的照片（支持 {ACCEPTED}）",
            "the file is a {detail} picture, which is not accepted",
            "send the photo as the phone took it (JPG, PNG, HEIC, AVIF or WebP)",
            code="file.format",
        ),
        "pdf": Refusal(
            "这是 PDF 文件，不是照片",
            "请上传照片本身，不要上传扫描件或文档",
            "the file is a PDF document",
            "send the photo itself",
            code="file.format",
        ),
        "video": Refusal(
            "这是一段视频，不是照片",
            "请上传照片，不要上传视频",
            "the file is a film",
            "send a photo",
            code="file.format",
        ),
        "raw": Refusal(
            "这是相机的 RAW 原始文件，系统无法读取",
            "请在相机里改拍 JPG，或者先导出成 JPG 照片再上传",
            "the file holds the raw data of a camera",
            "take the photo as JPG, or export it as JPG first",
            code="file.format",
        ),
        "document": Refusal(
            "这是文档，不是照片",
            "请把文档里的照片单独保存出来再上传",
            "the file is a document",
            "save the photo out of the document and send it alone",
            code="file.format",
        ),
        "archive": Refusal(
            "这是压缩包，不是照片",
            "请先解压，再上传里面的照片",
            "the file is an archive",
            "unpack it and send the photo itself",
            code="file.format",
        ),
        "web_page": Refusal(
            "这是网页文件，不是照片，多半是下载照片时没有成功",
            "请重新下载照片，或者从手机相册里选择一张",
            "the file is a web page, as a failed download leaves it",
            "download the photo again or choose one from the album",
            code="file.format",
        ),
        "odd_jpeg": Refusal(
            "这张 JPG 照片用了很少见的存储方式，系统无法读取",
            "请把照片另存为普通的 JPG，或者用手机重新拍一张",
            "the photo is stored in a rare kind of JPG that cannot be read",
            "save it as an ordinary JPG, or take it again with the phone",
        ),
        "memory": Refusal(
            "系统没能检查完这张照片，因为它需要的内存太多",
            "请再上传一次，仍不行就重新拍一张",
            "the check of this photo needed too much memory",
            "send it once more, and if that does not help, take it again",
            is_ours=True,
        ),
        "timed_out": Refusal(
            "系统没能在规定时间内检查完这张照片",
            "请过几分钟把它再上传一次，仍不行就重新拍一张",
            "the check of this photo took too long",
            "send it again in some minutes, and if that does not help, take it again",
            is_ours=True,
        ),
        "checker_ended": Refusal(
            "检查程序中途停止，这张照片还没有结果",
            "请把它再上传一次，仍不行就换一张照片",
            "the checker ended before it had a verdict on this photo",
            "send it once more, and if that does not help, send another one",
            is_ours=True,
        ),
        "given_up": Refusal(
            "系统多次没能检查完这张照片，还没有结果",
            "请过一会儿把它再上传一次，仍不行就换一张照片",
            "the check of this photo was interrupted several times",
            "send it again later, and if that does not help, send another one",
            is_ours=True,
        ),
    }
)


_CAUSES = {
    "": "no_picture",
    "PDF": "pdf",
    "RAW": "raw",
    "archive": "archive",
    "document": "document",
    "video": "video",
    "web page": "web_page",
}
"""By what `sniff_format` says of files that are no picture of a format that could be named."""


def name_fault(data: bytes) -> tuple[str, str] | None:
    """Cause and detail of a refusal that the first bytes are enough for; ``None`` to go on."""
    if not data:
        return "empty", ""
    name = sniff_format(data)
    if name in DECODED:
        return None
    return _CAUSES.get(name, "format"), name


def find_refused(cause: str, detail: str = "") -> Finding:
    """The finding about a file that gets no verdict.

    Args:
        cause: a name of ``REFUSALS``.
        detail: what was found, a short word.
    """
    words = REFUSALS[cause]
    fact, fact_en = words.fact.format(detail=detail), words.fact_en.format(detail=detail)
    return Finding(
        code=words.code,
        status="fail",
        value=detail or cause,
        limit=ACCEPTED,
        unit="",
        clause="完整的照片文件",
        message=write_sentence(fact, words.advice),
        message_en=write_sentence(fact_en, words.advice_en, language="en"),
        advice=words.advice,
        details=f"原因代码：{cause}",
        details_en=f"cause: {cause}",
    )
