"""What Python code uses and defines, read from its syntax tree.

`import_closure` asks this of a module to see which imports a piece of its code needs.
"""

import ast
import copy
import functools
from collections.abc import Callable

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.lru_cache(maxsize=1024)
def parsed(code: str | bytes) -> ast.Module:
    """Returns the syntax tree of code without its docstrings.

    Bytes are read as Python reads a file: with a byte order mark, or a declared encoding.
    """
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | Function):
            continue
        first = node.body[0] if node.body else None
        if (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            node.body = node.body[1:]
    return tree


def used(part: ast.AST) -> set[str]:
    """Returns the names that code reads, annotations aside.

    Those of a decorated function count: decorators read them, as TFX's `@component` does.
    """
    skipped: set[ast.AST] = set()
    for node in ast.walk(part):
        if isinstance(node, ast.AnnAssign):
            skipped.add(node.annotation)
        elif isinstance(node, Function) and not node.decorator_list:
            arguments = node.args
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            every += [a for a in (arguments.vararg, arguments.kwarg) if a]
            skipped |= {a.annotation for a in every if a.annotation}
            skipped |= {node.returns} if node.returns else set()
    read: set[str] = set()
    waiting = [part]
    while waiting:
        node = waiting.pop()
        if node in skipped:
            continue
        if isinstance(node, ast.Name):
            read.add(node.id)
        waiting += ast.iter_child_nodes(node)
    return read


def reexported(part: ast.AST) -> set[str]:
    """Returns names that a module imports for others: `import x as x`, and those in `__all__`."""
    exported: set[str] = set()
    for node in ast.walk(part):
        if isinstance(node, ast.Import | ast.ImportFrom):
            exported |= {a.asname for a in node.names if a.asname and a.asname == a.name}
        elif isinstance(node, ast.Assign) and "__all__" in names(node.targets[0]):
            exported |= set(ast.literal_eval(node.value))
    return exported


def defined(node: ast.stmt) -> set[str]:
    """Returns the names that a statement of a module gives a value."""
    if isinstance(node, Function | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return set().union(*(names(target) for target in node.targets))
    return names(node.target) if isinstance(node, ast.AnnAssign) else set()


def names(node: ast.AST) -> set[str]:
    """Returns all names in a piece of code."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def only_reexports(tree: ast.Module) -> bool:
    """Says whether a module only imports, and names in `__all__` what others may take from it."""
    declared = [n for n in tree.body if isinstance(n, ast.Assign) and defined(n) == {"__all__"}]
    imports = [n for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    return len(declared) == 1 and len(declared) + len(imports) == len(tree.body)


def attributes(part: ast.AST) -> frozenset[str]:
    """Returns the names of all attributes that a piece of code mentions."""
    return frozenset(n.attr for n in ast.walk(part) if isinstance(n, ast.Attribute))


def without_methods(
    tree: ast.Module, chosen: Callable[[ast.ClassDef], bool]
) -> tuple[ast.Module, list[ast.FunctionDef]]:
    """Takes the methods out of some of a module's classes, except those that Python itself calls.

    Args:
      tree: The module; it is not changed.
      chosen: Says which classes.

    Returns:
      The rest of the module, and the methods.
    """
    body: list[ast.stmt] = []
    methods: list[ast.FunctionDef] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and chosen(node):
            own = [
                n
                for n in node.body
                if isinstance(n, ast.FunctionDef) and not n.name.startswith("__")
            ]
            methods += own
            node = copy.copy(node)
            node.body = [n for n in node.body if n not in own]
        body.append(node)
    return ast.Module(body=body, type_ignores=[]), methods
