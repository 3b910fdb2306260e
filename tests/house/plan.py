"""The plan of the house, read from its imports: rooms, arrows, circles, floors.

``python -m tests.house.plan`` draws docs/architecture.svg and the table of rooms anew.
"""

from __future__ import annotations

import ast
import html
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = "server/services"
PICTURE = ROOT / "docs" / "architecture.svg"
PAGE = ROOT / "docs" / "architecture.md"
TABLE = re.compile(r"(<!-- rooms -->\n).*?(<!-- /rooms -->)", re.DOTALL)
ROOF = "views: console · api · pay · public, and the worker's duties"
GROUND = "hearth of the services · security · gateways · models · imagecheck"
BOX_W, BOX_H, GAP_X, GAP_Y, MARGIN = 140, 40, 40, 50, 24

Graph = dict[str, set[str]]


@cache
def list_modules() -> dict[str, Path]:
    """Return every module of the product by its dotted name."""
    found = {}
    for top in ("server", "models", "imagecheck"):
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def list_imports(path: Path) -> set[str]:
    """Return the names that a file imports, those inside its functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@cache
def list_arrows() -> Graph:
    """Return which module imports which; a package's own door (``__init__``) is none."""
    modules = list_modules()
    files = {name for name, path in modules.items() if path.name != "__init__.py"}
    return {
        name: {other for other in list_imports(path) if other in files and other != name}
        for name, path in modules.items()
    }


def find_room(module: str) -> str:
    """Return the folder of a module: a story is a room, and so is each wing of the money."""
    return str(list_modules()[module].parent.relative_to(ROOT))


@cache
def list_room_arrows() -> Graph:
    """Return which room uses which."""
    rooms: Graph = defaultdict(set)
    for name, others in list_arrows().items():
        rooms[find_room(name)] |= {find_room(other) for other in others}
    return {room: others - {room} for room, others in sorted(rooms.items())}


def find_circles(graph: Graph) -> list[list[str]]:
    """Return every group that can be walked in a circle (Tarjan's strong components)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == index[node]:
            at = stack.index(node)
            circle = stack[at:]
            del stack[at:]
            if len(circle) > 1:
                circles.append(sorted(circle))

    for node in graph:
        if node not in index:
            visit(node)
    return circles


def list_stories() -> list[str]:
    """Return the rooms of the services, the hearth apart."""
    rooms = {find_room(module) for module in list_modules()}
    return sorted(room for room in rooms if room.startswith(SERVICES + "/"))


def find_entrances(room: str) -> set[str]:
    """Return the files of a story that its ``__init__`` names as entrances."""
    tree = ast.parse((ROOT / room / "__init__.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def list_floors(graph: Graph) -> dict[str, int]:
    """Return the floor of each room: one above the highest that it uses."""

    @cache
    def floor(room: str) -> int:
        return max((floor(other) + 1 for other in graph[room] if other in graph), default=0)

    return {room: floor(room) for room in graph}


def describe_room(room: str) -> str:
    """Return the first sentence that a room says of itself."""
    text = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text())) or ""
    return text.split("\n\n")[0].replace("\n", " ")


def draw_plan() -> str:
    """Return the drawing: the stories as boxes on their floors, uses as lines.

    The views above use any of them, and all of them stand on the ground: those arrows are tested,
    not drawn.
    """
    rooms = list_room_arrows()
    graph = {room: rooms[room] & set(list_stories()) for room in list_stories()}
    rows: dict[int, list[str]] = defaultdict(list)
    for room, level in list_floors(graph).items():
        rows[level].append(room)
    top = max(rows)
    width = max(len(row) for row in rows.values()) * (BOX_W + GAP_X) + 2 * MARGIN
    places = {}
    for level, row in rows.items():
        start = (width - len(row) * (BOX_W + GAP_X) + GAP_X) / 2
        y = MARGIN + (top + 1 - level) * (BOX_H + GAP_Y)
        places |= {room: (start + i * (BOX_W + GAP_X), y) for i, room in enumerate(row)}
    lines = [_draw_line(places[a], places[b]) for a in graph for b in sorted(graph[a])]
    boxes = [_draw_box(room, *places[room]) for room in graph]
    ground_y = MARGIN + (top + 2) * (BOX_H + GAP_Y)
    bars = [_draw_bar(ROOF, width, MARGIN), _draw_bar(GROUND, width, ground_y)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13" '
        f'viewBox="0 0 {width} {ground_y + BOX_H + MARGIN}">'
    )
    return "\n".join([head, *lines, *boxes, *bars, "</svg>", ""])


def _draw_line(a: tuple[float, float], b: tuple[float, float]) -> str:
    x1, y1, x2, y2 = a[0] + BOX_W / 2, a[1] + BOX_H, b[0] + BOX_W / 2, b[1]
    bend = (y2 - y1) / 2
    curve = f"M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f}"
    return f'<path d="{curve} {x2:.0f} {y2:.0f}" fill="none" stroke="#9198A1"/>'


def _draw_box(room: str, x: float, y: float) -> str:
    return _draw_text(room.removeprefix(SERVICES + "/"), x, y, BOX_W, "#E8F3EC")


def _draw_bar(text: str, width: float, y: float) -> str:
    return _draw_text(text, MARGIN, y, width - 2 * MARGIN, "#F5F6F7")


def _draw_text(text: str, x: float, y: float, width: float, fill: str) -> str:
    middle = f'x="{x + width / 2:.0f}" y="{y + BOX_H / 2 + 5:.0f}" text-anchor="middle"'
    return (
        f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{BOX_H}" rx="8" '
        f'fill="{fill}" stroke="#57606A"/><text {middle} fill="#1F2328">{html.escape(text)}</text>'
    )


def write_table() -> str:
    """Return one line a room: its name and its sentence."""
    rows = ["| room | what it tells |", "|---|---|"]
    rows += [f"| `{room}/` | {describe_room(room)} |" for room in list_room_arrows()]
    arrows = sum(len(list_room_arrows()[a] & set(list_stories())) for a in list_stories())
    count = len(list_stories())
    return "\n".join([*rows, "", f"{count} stories and wings, {arrows} arrows between them.", ""])


def write_page(page: str) -> str:
    """Return the page with its table of rooms written anew."""
    return TABLE.sub(lambda found: found[1] + write_table() + found[2], page)


if __name__ == "__main__":
    PICTURE.write_text(draw_plan())
    PAGE.write_text(write_page(PAGE.read_text()))
