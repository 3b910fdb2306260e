"""All rules, in the order in which a student should put things right."""

from imagecheck.rules import geometry_head_top
from imagecheck.rules.base import Rule

RULES: tuple[Rule, ...] = (geometry_head_top.RULE,)
"""Order of repair: the file, then the face itself, then pose, light, wall, and details last."""
