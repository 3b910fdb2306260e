"""What can be drawn: one person in front of one wall, and every fault as a number or a word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from benchmarks.rig.portraits.canvas import Colour

BLUE: Colour = (100, 197, 255)
WHITE: Colour = (255, 255, 255)
GREY: Colour = (240, 240, 240)

# From light to dark; each name is a person that must be judged like every other.
SKIN_TONES: dict[str, Colour] = {
    "pale": (240, 210, 192),
    "light": (230, 190, 165),
    "medium": (206, 160, 128),
    "tan": (178, 128, 96),
    "brown": (138, 94, 70),
    "dark": (98, 66, 50),
    "deep": (80, 54, 42),
}

HairStyle = Literal["short", "long", "bald"]
Hat = Literal["none", "cap", "scarf"]


@dataclass(frozen=True)
class Glasses:
    """Spectacles. Lengths in hundredths of the distance between the eyes."""

    thickness: float = 3.0
    colour: Colour = (58, 50, 48)
    tint: float = 0.0  # darkness of the lenses, 0-1
    glare: float = 0.0  # white reflection on the lenses, 0-1
    drop: float = 6.0  # how far the lens centre lies below the eyes; 32 puts the rim on the eyes


@dataclass(frozen=True)
class Portrait:
    """One drawn portrait. The default one breaks no rule; lengths are pixels."""

    width: int = 480
    height: int = 640
    seed: int = 1
    # framing
    face_width: float = 226.0
    eye_y: float = 254.0
    centre_x: float = 240.0
    hair_height: float = 162.0  # eye line to hair top, hundredths of the distance between the eyes
    roll_deg: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    stretch_x: float = 1.0
    shoulder_tilt_deg: float = 0.0
    # face
    skin: Colour = SKIN_TONES["light"]
    left_eye_opening: float = 1.0
    right_eye_opening: float = 1.0
    gaze: float = 0.0  # -1 to 1, the iris in one corner or the other
    red_eye: float = 0.0
    mouth_open: float = 0.0
    smile: float = 0.0
    # hair and what is worn
    hair: HairStyle = "short"
    hair_colour: Colour = (38, 30, 27)
    hair_over_brows: bool = False
    hair_over_eyes: bool = False
    hair_over_ears: bool = False
    hat: Hat = "none"
    glasses: Glasses | None = None
    clothes: Colour = (38, 46, 84)
    stripes: bool = False
    # wall
    wall: Colour = BLUE
    wall_gradient: float = 0.0  # difference between left and right, levels
    wall_shadow: float = 0.0  # depth of the shadow beside the head, 0-1
    wall_object: bool = False
    second_face: bool = False
    # light and camera
    exposure: float = 1.0
    side_light: float = 0.0  # 0-1, how much darker one half of the face is
    highlight: float = 0.0  # 0-1, a shining spot on the forehead
    cast: Colour = (1.0, 1.0, 1.0)  # factors of red, green and blue
    greyscale: bool = False
    blur: float = 0.0  # sigma, pixels
    enlarged_from: float = 1.0  # below 1: a small picture blown up
    grain: float = 1.6  # sigma, levels
    screen: bool = False  # photographed from a screen
    # frame
    border: int = 0
    text: str = ""

    def but(self, **changes: Any) -> Self:
        """The same portrait with some fields changed."""
        return replace(self, **changes)

    @property
    def unit(self) -> float:
        """Pixels per hundredth of the distance between the eyes."""
        return self.face_width / FACE_WIDTH_UNITS

    @property
    def eyes_closed(self) -> bool:
        """Whether both lids are down."""
        return max(self.left_eye_opening, self.right_eye_opening) == 0

    @property
    def hair_top_y(self) -> float:
        """Row of the highest hair (of the skull where there is none), pixels."""
        height = SKULL_UNITS if self.hair == "bald" else self.hair_height
        return self.eye_y - height * self.unit


FACE_WIDTH_UNITS = 214.0
SKULL_UNITS = 150.0

COMPLIANT = Portrait()
