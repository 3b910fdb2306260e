"""The XML of pay v2 as the platform reads and writes it: one level of fields, nothing else.

A document type is refused, so no entity can be declared; size, depth and number are bounded.
"""

from __future__ import annotations

from xml.parsers import expat

MAX_BYTES = 64 * 1024
MAX_FIELDS = 100
LEAF_DEPTH = 2


class XmlMalformed(Exception):
    """The bytes are not a flat XML message."""


class _Reader:
    """Collects ``name -> text`` from the parser's events."""

    def __init__(self, root: str) -> None:
        self.fields: dict[str, str] = {}
        self._root = root
        self._open: list[str] = []
        self._text: list[str] = []

    def open(self, name: str, _attributes: object) -> None:
        self._open.append(name)
        self._text = []
        if self._open[0] != self._root or len(self._open) > LEAF_DEPTH:
            raise XmlMalformed("another shape than <xml><field>…")
        if name in self.fields or len(self.fields) >= MAX_FIELDS:
            raise XmlMalformed("a field stands twice, or there are too many")

    def collect(self, text: str) -> None:
        self._text.append(text)

    def close(self, name: str) -> None:
        if len(self._open) == LEAF_DEPTH:
            self.fields[name] = "".join(self._text).strip()
        self._open.pop()

    def refuse(self, *_details: object) -> None:
        raise XmlMalformed("a document type or an entity")


def read_xml(raw: bytes, root: str = "xml") -> dict[str, str]:
    """Return the fields of a message; raises XmlMalformed."""
    if len(raw) > MAX_BYTES:
        raise XmlMalformed(f"more than {MAX_BYTES} bytes")
    reader = _Reader(root)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.open
    parser.EndElementHandler = reader.close
    parser.CharacterDataHandler = reader.collect
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise XmlMalformed("not well-formed") from error
    return reader.fields


def write_xml(fields: dict[str, str], root: str = "xml") -> bytes:
    """Return a message in WeChat's own style, every value in CDATA."""
    lines = [f"<{name}>{_quote(value)}</{name}>" for name, value in fields.items()]
    return "\n".join([f"<{root}>", *lines, f"</{root}>"]).encode()


def _quote(value: str) -> str:
    return "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"
