"""pose.pitch: the chin is neither raised nor lowered."""

from imagecheck.analysis import Analysis
from imagecheck.measures.posture import measure_pitch
from imagecheck.rules.base import Measured, Rule, Say


def _measure(analysis: Analysis) -> Measured:
    return measure_pitch(analysis)


RULE = Rule(
    code="pose.pitch",
    clause="头部端正，平视镜头",
    method=("Nose, ear level, brows and face height in standard deviations of compliant photos."),
    measurement="pitch_score",
    measure=_measure,
    low=Say(
        "低头幅度过大（{value}，允许 ±{high}）",
        "请抬一点下巴，平视镜头",
        "the chin is lowered too far ({value}, {high} allowed)",
        "raise the chin and look straight ahead",
    ),
    high=Say(
        "抬头幅度过大（{value}，允许 ±{high}）",
        "请收一点下巴，平视镜头",
        "the chin is raised too far ({value}, {high} allowed)",
        "lower the chin and look straight ahead",
    ),
    digits=1,
)
