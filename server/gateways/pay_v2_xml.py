"""The flat XML of pay v2: one level of fields below the root, nothing else.

Hostile input is expected here: no DTD, no entities, bounded size, depth and number of fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from server.gateways.pay import NoticeMalformed

MAX_XML_BYTES = 64 * 1024  # the largest documented message is under 4 KiB
MAX_FIELDS = 200
FIELD_DEPTH = 2


class FlatTarget:
    """Receives the parser's events and keeps `name → text`; refuses any other shape."""

    def __init__(self, root: str) -> None:
        self.fields: dict[str, str] = {}
        self._root = root
        self._depth = 0
        self._parts: list[str] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """Open an element."""
        self._depth += 1
        if self._depth > FIELD_DEPTH or len(self.fields) >= MAX_FIELDS:
            raise NoticeMalformed("the XML is too deep or has too many fields")
        if self._depth == 1 and tag != self._root:
            raise NoticeMalformed("the XML has another root")
        if tag in self.fields:
            raise NoticeMalformed("a field stands twice")
        self._parts = []

    def data(self, text: str) -> None:
        """Collect text; what stands between the fields is white space."""
        if self._depth == FIELD_DEPTH:
            self._parts.append(text)

    def end(self, tag: str) -> None:
        """Close an element."""
        if self._depth == FIELD_DEPTH:
            self.fields[tag] = "".join(self._parts)
        self._depth -= 1

    def close(self) -> None:
        """End the document."""


def parse_flat_xml(raw: bytes, root: str = "xml") -> dict[str, str]:
    """Return the fields of a v2 message, which stand below `root`.

    Raises:
        NoticeMalformed: not XML, or not of this shape.
    """
    if len(raw) > MAX_XML_BYTES:
        raise NoticeMalformed("the XML is too large")
    target = FlatTarget(root)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        parser.feed(raw)
        parser.close()
    except (ParseError, DefusedXmlException, LookupError, ValueError):
        raise NoticeMalformed("not the XML of pay v2") from None
    return target.fields


def write_flat_xml(fields: Mapping[str, str]) -> bytes:
    """Return the message with every value escaped."""
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return f"<xml>{inner}</xml>".encode()
