"""The child of ``read_apart``: a picture comes in on standard input, its code goes out as JSON.

Limits on memory and processor time end the process from within, also when its parent is gone.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
from typing import Any

MEMORY_MB = 640
"""Measured: a PNG of 64 megapixels needs 420 MB."""
CPU_LIMIT_S = 8


def main() -> None:
    """Read one picture and answer."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB << 20, MEMORY_MB << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(_answer(sys.stdin.buffer.read()), sys.stdout)


def _answer(data: bytes) -> dict[str, Any]:
    from imagecheck.picture import UndecodableError
    from server.services.chsi.read_picture import ManyCodesSeen, NoCodeSeen, read_code

    try:
        found = read_code(data)
    except UndecodableError:
        return {"fault": "broken"}
    except NoCodeSeen:
        return {"fault": "none"}
    except ManyCodesSeen:
        return {"fault": "many"}
    symbol = found.symbol
    return {
        "fault": "",
        "text": found.text,
        "raw": base64.b64encode(symbol.raw).decode(),
        "mode": symbol.mode,
        "error_level": symbol.error_level,
        "version": symbol.version,
        "mask": symbol.mask,
    }


if __name__ == "__main__":
    main()
