"""What the measured values of a photo are called on staff pages."""

from __future__ import annotations

MEASUREMENTS = {
    "head_top_px": "头顶到上边（像素）",
    "eye_line_px": "眼睛到上边（像素）",
    "face_width_px": "脸宽（像素）",
    "off_centre_px": "偏离中线（像素）",
    "roll_deg": "头部倾斜（度）",
    "yaw_deg": "左右转头",
    "pitch_score": "抬头低头",
    "shoulder_tilt": "双肩高差",
    "face_cover": "面部遮挡程度",
    "eye_closed": "闭眼程度",
    "gaze": "视线位置",
    "mouth_gap": "嘴唇间隙",
    "smile": "笑容",
    "lens_tint": "镜片颜色",
    "lens_glare_share": "镜片反光",
    "brow_cover": "头发遮眉",
    "eye_cover": "头发遮眼",
    "ear_skin_share": "露耳",
    "cheek_ratio": "左右脸亮度比",
    "highlight_share": "亮斑",
    "colour_cast": "偏色",
    "wall_colour": "背景色差",
    "wall_unevenness": "背景不均匀",
    "wall_shadow": "背景阴影",
    "clothing_blend": "衣服接近背景",
    "blur": "模糊",
    "file_size_kb": "文件大小（KB）",
}
"""What a reviewer may want to know; other measurements are for calibration."""
