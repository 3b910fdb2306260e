"""The one table of limits. Rules measure; this file says what is allowed, and who says so.

A limit has an inner band (leaving it is a warning) and an outer band (leaving it is a failure).
Either may be missing. ``source`` names the clause of the standard, the publication or the
calibration that a number comes from.
"""

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

_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "geometry.head_top": _fails((50, 110), "px", STANDARD),
        "geometry.eye_line": _fails((200, 300), "px", STANDARD),
        "geometry.face_width": _fails((180, 300), "px", STANDARD),
    }
)


@dataclass(frozen=True, slots=True)
class Profile:
    """A variant of the standard: which wall colours it takes, and all its limits.

    Attributes:
        name: as given on the command line.
        grounds: allowed reference colours of the wall by name, sRGB 0-255.
        limits: by name of the measurement, mostly the code of the rule.
    """

    name: str
    grounds: Mapping[str, tuple[int, int, int]]
    limits: Mapping[str, Limit] = field(default_factory=lambda: _LIMITS)

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
ALIASES = MappingProxyType({"blue-only": "moe-2017-blue", "white-only": "moe-2017-white"})
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
