"""The one table of limits. Rules measure; this file says what is allowed, and who says so.

A limit has an inner band (leaving it is a warning) and an outer band (leaving it is a failure).
Either may be missing. ``source`` names the clause of the standard, the publication or the
calibration that a number comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from imagecheck.report import Band, Status

STANDARD = "教毕指[2017]99号"
OPEN: Band = (None, None)


@dataclass(frozen=True, slots=True)
class Limit:
    """Allowed values of one measurement.

    Attributes:
        fail: outside this band the photo fails.
        warn: outside this band a person should look; equal to ``fail`` when there is no
            doubtful zone.
        unit: unit of the value, empty for a bare ratio.
        source: where the numbers come from.
    """

    fail: Band
    warn: Band
    unit: str
    source: str

    def judge(self, value: float) -> Status:
        """``pass``, ``warn`` or ``fail``; values on the limit itself are allowed."""
        if not _is_within(value, self.fail):
            return "fail"
        return "pass" if _is_within(value, self.warn) else "warn"

    @property
    def tightest(self) -> Band:
        """The band that a failure leaves, or, where nothing fails, the one that asks for a look."""
        return self.warn if self.fail == OPEN else self.fail

    def band_for(self, status: Status) -> Band:
        """The band that a value of this status has left."""
        return self.fail if status == "fail" else self.warn


def _is_within(value: float, band: Band) -> bool:
    low, high = band
    return (low is None or value >= low) and (high is None or value <= high)


def _fails(fail: Band, unit: str, source: str, *, warn: Band | None = None) -> Limit:
    return Limit(fail, fail if warn is None else warn, unit, source)


def _warns(warn: Band, unit: str, source: str) -> Limit:
    return Limit(OPEN, warn, unit, source)


BLUE = (100, 197, 255)
WHITE = (255, 255, 255)
GREY = (240, 240, 240)

CALIBRATED = "calibrated on the tuning people of photobench, 2026-11"
SOURCES = "calibrated on photobench and 240 portraits of seven other sources, 2026-11"
FICV = "starting point FICV-1.0; " + CALIBRATED

_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "file.resolution": _fails((299, 301), "dpi", STANDARD),
        "file.size": _warns((20, 40), "KB", STANDARD + ": generally"),
        "file.quality": _fails((60, None), "", STANDARD),
        "face.none": _fails((1, None), "faces", STANDARD),
        "face.multiple": _fails((None, 1), "faces", STANDARD),
        "face.upside_down": _fails((0, 0), "deg", STANDARD),
        "face.covered": _fails((None, 1.0), "", SOURCES, warn=(None, 0.85)),
        "face.cut_off": _fails((None, 0.08), "", CALIBRATED),
        "geometry.head_top": _fails((50, 110), "px", STANDARD),
        "geometry.eye_line": _fails((200, 300), "px", STANDARD),
        "geometry.face_width": _fails((180, 300), "px", STANDARD),
        "geometry.off_centre": _fails((-24, 24), "px", "5 % of the width; " + CALIBRATED),
        "geometry.stretched": _warns((0.92, 1.085), "", SOURCES),
        "pose.roll": _fails(
            (-8, 8), "deg", "ISO/IEC 19794-5: 8 degrees; 5 asks for a look", warn=(-5, 5)
        ),
        "pose.yaw": _fails((-8.5, 8.5), "deg", SOURCES, warn=(-7, 7)),
        "pose.pitch": _fails((-2.6, 2.9), "", SOURCES, warn=(-2.35, 2.5)),
        "pose.shoulders": _warns((None, 0.22), "", CALIBRATED),
        "eyes.closed": _fails((None, 1.0), "", SOURCES, warn=(None, 0.9)),
        "eyes.gaze": _warns((0.38, 0.62), "", CALIBRATED),
        "eyes.red": _fails((None, 0.10), "", CALIBRATED),
        "glasses.tinted": _fails((None, 0.40), "", SOURCES, warn=(None, 0.35)),
        "glasses.glare": _fails((None, 0.06), "", CALIBRATED, warn=(None, 0.035)),
        "glasses.frame": _warns((None, 0.16), "", CALIBRATED),
        "mouth.open": _fails((None, 0.06), "", SOURCES, warn=(None, 0.045)),
        "expression.smile": _warns((None, 0.55), "", SOURCES),
        "hair.brows": _warns((None, 0.72), "", SOURCES),
        "hair.eyes": _warns((None, 0.48), "", SOURCES),
        "ears.hidden": _warns((0.055, None), "", SOURCES),
        "head.covered": _warns((None, 1.0), "", SOURCES),
        "light.dark": _fails((35, None), "L*", CALIBRATED, warn=(39, None)),
        "light.bright": _fails((None, 0.30), "", CALIBRATED, warn=(None, 0.15)),
        "light.uneven": _fails((0.33, None), "", SOURCES, warn=(0.55, None)),
        "light.highlight": _warns((None, 0.012), "", CALIBRATED),
        "colour.unnatural": _fails((None, 2.2), "Lab", SOURCES, warn=(None, 1.2)),
        "colour.greyscale": _fails((1.0, None), "Lab", CALIBRATED),
        "background.colour": _fails((None, 1.0), "", CALIBRATED, warn=(None, 0.6)),
        "background.uneven": _fails((None, 7.0), "dE", FICV, warn=(None, 4.5)),
        "background.shadow": _fails((None, 0.12), "", CALIBRATED, warn=(None, 0.06)),
        "background.object": _fails((None, 0.005), "", CALIBRATED, warn=(None, 0.003)),
        "frame.border": _fails((None, 0.8), "", CALIBRATED),
        "frame.text": _warns((None, 1.0), "", CALIBRATED),
        "clothing.blends": _warns((None, 0.33), "", CALIBRATED),
        "focus.blurred": _fails((None, 0.59), "", SOURCES, warn=(None, 0.54)),
        "focus.low_resolution": _warns((None, 2.2), "", CALIBRATED),
        "recapture.screen": _warns((None, 1.15), "", CALIBRATED),
    }
)

_GROUND_TOLERANCES: Mapping[str, float] = MappingProxyType(
    {"blue": 25.0, "white": 10.0, "grey": 10.0}
)
"""CIE76 to the reference at which a wall fails: the usual studio blue #438EDB is 24 from the
reference and only asks for a look; beige and mid-grey walls are 15-25 from white."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A variant of the standard: which wall colours it takes, and all its limits.

    Attributes:
        name: as given on the command line.
        grounds: allowed reference colours of the wall by name, sRGB 0-255.
        limits: by the code of the rule.
        ground_tolerances: CIE76 at which a wall is too far from that reference colour.
    """

    name: str
    grounds: Mapping[str, tuple[int, int, int]]
    limits: Mapping[str, Limit] = field(default_factory=lambda: _LIMITS)
    ground_tolerances: Mapping[str, float] = field(default_factory=lambda: _GROUND_TOLERANCES)

    def limit(self, name: str) -> Limit:
        """The limit of that name.

        Raises:
            KeyError: the table has no such limit, a defect of the rule that asks.
        """
        return self.limits[name]


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "moe-2017": Profile("moe-2017", {"blue": BLUE, "white": WHITE, "grey": GREY}),
        "moe-2017-blue": Profile("moe-2017-blue", {"blue": BLUE}),
        "moe-2017-white": Profile("moe-2017-white", {"white": WHITE}),
    }
)
ALIASES = MappingProxyType(
    {"blue-only": "moe-2017-blue", "white-only": "moe-2017-white", "degree": "moe-2017"}
)
"""Short names that are accepted for a profile."""


def find_profile(name: str) -> Profile:
    """The profile of that name or short name.

    Raises:
        ValueError: there is no such profile; the message names those that exist.
    """
    profile = PROFILES.get(ALIASES.get(name, name))
    if profile is None:
        raise ValueError(f"no profile {name!r}; there are {', '.join((*PROFILES, *ALIASES))}")
    return profile
