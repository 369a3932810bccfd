"""The package's import graph: modules, rooms (folders), arrows, circles.

    python tests/import_graph.py            rooms from the lowest floor up, what each imports, and the circles

An import inside a function counts like any other: it only happens later.
"""

import ast
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "pkg" / "ziplaw"


def modules(package=PACKAGE):
    """Path of every module by dotted name; a package by the name of its folder."""
    paths = sorted(package.rglob("*.py"))
    return {".".join(p.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__"): p for p in paths}


@cache
def imports_of(name, path):
    """Absolute dotted names that a module imports anywhere, relative ones resolved; ``from a import b`` gives a.b
    too.
    """
    return frozenset(_imports(name, path))


def _imports(name, path):
    here = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield stem
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def arrows(package=PACKAGE):
    """The modules of the package that each of its modules imports; a name from a package's own ``__init__`` is that
    package.
    """
    known = modules(package)
    graph = {}
    for name, path in known.items():
        found = imports_of(name, path)
        # `from .room import module` names both: the arrow goes to the module alone
        found = {i for i in found if i in known and not any(j.startswith(i + ".") and j in known for j in found)}
        graph[name] = found - {name}
    return graph


def room_of(module, known):
    """The folder of a module; the modules at the top are rooms of their own."""
    path = known[module]
    inside = path.parent.relative_to(PACKAGE).parts
    return ".".join(inside) or path.stem


def rooms(graph, known):
    """The rooms that each room imports."""
    found = defaultdict(set)
    for module, others in graph.items():
        mine = room_of(module, known)
        found[mine] |= {room_of(other, known) for other in others} - {mine}
    return dict(found)


def circles(graph):
    """One circle of imports, as a list of names, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def floors(graph):
    """Floor of every room: one above the highest that it imports."""
    height = {}
    for room in TopologicalSorter(graph).static_order():
        height[room] = 1 + max((height[other] for other in graph.get(room, ())), default=-1)
    return height


def main():
    known = modules()
    graph = arrows()
    between = rooms(graph, known)
    for what, found in (("modules", graph), ("rooms", between)):
        circle = circles(found)
        print(
            f"{len(found)} {what}, {sum(map(len, found.values()))} arrows, circles: "
            f"{' -> '.join(circle) if circle else 0}"
        )
    if not circles(between):
        height = floors(between)
        for room in sorted(between, key=lambda room: (height[room], room)):
            print(f"{height[room]:2} {room}: {' '.join(sorted(between[room])) or '-'}")


if __name__ == "__main__":
    main()
