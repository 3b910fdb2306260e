"""One TFLite net, read by OpenCV."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Net:
    """A net that one thread at a time may run; OpenCV keeps the state of a run inside it."""

    def __init__(self, weights: bytes) -> None:
        """Take the bytes of a ``.tflite`` file.

        OpenCV 5.0's new engine drops all outputs of such a net but one, so the old one is named;
        it is heard only where the net comes from a file, not from memory.
        """
        with _as_file(weights) as path:
            self._net: Any = cv2.dnn.readNetFromTFLite(path, engine=cv2.dnn.ENGINE_CLASSIC)
        self._outputs: tuple[str, ...] = tuple(self._net.getUnconnectedOutLayersNames())
        self._running = threading.Lock()

    def run(self, values: Floats) -> dict[str, Floats]:
        """The outputs by name for one input."""
        with self._running:
            self._net.setInput(values)
            outputs = self._net.forward(self._outputs)
            return {
                name: np.array(output, np.float32, copy=True)
                for name, output in zip(self._outputs, outputs, strict=True)
            }


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """A path under which the bytes can be read; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("net")
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{fd}"
        return
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(data)
        file.flush()
        yield file.name
