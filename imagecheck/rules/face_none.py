"""face.none: there is a face."""

from imagecheck.analysis import Analysis
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return None if analysis.search.turned_deg else float(len(analysis.search.boxes))


RULE = Rule(
    code="face.none",
    clause="被采集人正面像",
    method=(
        "HOG detector at working size, mirrored beyond the border, and once more at double size."
    ),
    measurement="faces",
    measure=_measure,
    low=Say(
        "照片中未检测到人脸",
        "请正对镜头，在光线充足处重新拍摄",
        "no face was found",
        "face the camera in good light and take it again",
    ),
    high=Say(
        "照片中未检测到人脸",
        "请正对镜头，在光线充足处重新拍摄",
        "no face was found",
        "face the camera in good light and take it again",
    ),
    needs="picture",
)
