"""Who is in the picture: faces with their landmarks, from one of two back ends."""

from __future__ import annotations

from imagecheck.faces.backend import Backend, UnknownBackendError, choose_backend, load_models
from imagecheck.faces.face import N_POINTS, Box, Face, Mesh, Points, Search
from imagecheck.faces.lids import measure_lid_areas
from imagecheck.faces.person import find_person

__all__ = [
    "N_POINTS",
    "Backend",
    "Box",
    "Face",
    "Mesh",
    "Points",
    "Search",
    "UnknownBackendError",
    "choose_backend",
    "find_person",
    "load_models",
    "measure_lid_areas",
]
