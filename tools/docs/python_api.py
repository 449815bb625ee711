"""The page of the Python API: signatures from the type stub, descriptions from the docstrings. Nothing is imported, so
nothing must be built first."""
import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "furrow"
# Names that the package takes from its C++ part.
NATIVE = {
    "cpu_count": "The cores that this process may use, or its hardware threads: at most those that its affinity, its "
    "cpusets and the quotas of its control groups allow."
}


def parsed(path):
    return ast.parse(path.read_text(), str(path))


class Sources:
    """The package's modules, in which classes and functions are looked up by name."""

    def __init__(self):
        self.definitions = {}
        for path in sorted(PACKAGE.glob("_*.py")):
            for node in parsed(path).body:
                if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                    self.definitions.setdefault(node.name, node)
                elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                    for target in node.targets:  # AsyncResult = ApplyResult
                        if isinstance(target, ast.Name):
                            self.definitions.setdefault(target.id, node.value)

    def definition(self, name):
        found = self.definitions.get(name)
        return self.definition(found.id) if isinstance(found, ast.Name) else found

    def docstring(self, name):
        found = self.definition(name)
        return ast.get_docstring(found) if found else None

    def method(self, class_name, name):
        """A method, possibly inherited from a base class."""
        found = self.definition(class_name)
        if not isinstance(found, ast.ClassDef):
            return None
        own = next((node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == name), None)
        if own:
            return own
        bases = (base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in found.bases)
        # A base of the same name is a class of another module, whose stub is not read.
        return next(filter(None, (self.method(base, name) for base in bases if base != class_name)), None)


def markdown(docstring):
    """A docstring as Markdown: examples and indented lines are code."""
    parts = []
    for paragraph in (docstring or "").split("\n\n"):
        lines = paragraph.split("\n")
        if lines[0].startswith((">>>", "    ")):
            parts.append(
                "```python\n" + "\n".join(line[4:] if lines[0].startswith("    ") else line for line in lines) + "\n```"
            )
        else:
            parts.append("\n".join(escaped(line) for line in lines))
    return "\n\n".join(parts)


def escaped(line):
    return "".join("\\" + char if char in "*_[]#" else "&lt;" if char == "<" else char for char in line)


def signature(function, name, method, implementation=None):
    """`name(a, b=None, *, c=0) -> Result`, one argument per line if it is long. The stub has the types, the
    implementation the defaults."""
    defaults = {**by_name(function), **(by_name(implementation) if implementation else {})}
    arguments = function.args
    words = [word(each, defaults.get(each.arg)) for each in arguments.args[1 if method else 0 :]]
    if arguments.kwonlyargs:
        words += ["*", *(word(each, defaults.get(each.arg)) for each in arguments.kwonlyargs)]
    result = f" -> {ast.unparse(function.returns)}" if function.returns and function.name != "__init__" else ""
    line = f"{name}({', '.join(words)}){result}"
    if len(line) <= 100:
        return readable(line)
    return readable(f"{name}(\n" + "".join(f"    {each},\n" for each in words) + f"){result}")


def by_name(function):
    """The default values of arguments, as source text."""
    arguments = function.args
    last = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    pairs = [*zip(last, arguments.defaults), *zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return {argument.arg: ast.unparse(default) for argument, default in pairs if default is not None}


def word(argument, default):
    annotation = f": {ast.unparse(argument.annotation)}" if argument.annotation else ""
    return f"{argument.arg}{annotation}{f' = {default}' if default is not None else ''}"


def readable(text):
    """The stub's own names for types, spelled out."""
    for name, meaning in {
        "_T": "T",
        "_S": "S",
        "_Path": "Path",
        "_Resume": "Path | tuple[Path, str] | None",
        "_Progress": "bool | Callable",
        "_Results": "Iterator",
    }.items():
        for before in " [":
            for after in "],)[\n ":
                text = text.replace(f"{before}{name}{after}", f"{before}{meaning}{after}")
        if text.endswith(f"-> {name}"):
            text = text[: -len(name)] + meaning
    return text


def class_parts(name, node, stubs, sources):
    bases = [getattr(base, "value", base).id for base in node.bases]
    shown = [base for base in bases if not base.startswith("_") and base != "Generic"]
    begin = next((each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None)
    code = f"class {signature(begin, name, True, sources.method(name, '__init__'))}" if begin else f"class {name}"
    if shown:
        code += f"  # a kind of {shown[0]}"
    fields = [ast.unparse(each) for each in node.body if isinstance(each, ast.AnnAssign)]
    code += "".join(f"\n    {field}" for field in fields)
    parts = [f"## `{name}`", f"```python\n{code}\n```", markdown(sources.docstring(name))]
    owners = [node, *(stubs[base] for base in bases if base.startswith("_") and base in stubs)]
    if name in ("ThreadPool", "MPIPool"):
        parts.append("It has the methods of [`Pool`](#pool).")
        owners = owners[:1]
    for owner in owners:
        for each in owner.body:
            if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                method = sources.method(name, each.name)
                parts += [
                    f"### `{name}.{each.name}`",
                    f"```python\n{signature(each, each.name, True, method)}\n```",
                    markdown(ast.get_docstring(method) if method else None),
                ]
    return parts


def page():
    stub = parsed(PACKAGE / "__init__.pyi")
    stubs = {node.name: node for node in stub.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    exported = next(
        ast.literal_eval(node.value)
        for node in stub.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    order = ["Pool", "ThreadPool", "MPIPool", "AsyncResult", "MapResult"]
    names = [*order, *(name for name in exported if name not in order)]
    sources = Sources()
    parts = [
        "# Python API",
        "`import furrow` has these names. [The Python module](../python.md) is the guide to them; this page is made "
        "from the docstrings.",
    ]
    for name in names:
        node = stubs.get(name)
        if isinstance(node, ast.ClassDef):
            parts += class_parts(name, node, stubs, sources)
        elif isinstance(node, ast.FunctionDef):
            found = sources.definition(name)
            parts += [
                f"## `{name}`",
                f"```python\n{signature(node, name, False, found)}\n```",
                markdown(sources.docstring(name)) or NATIVE[name],
            ]
        else:
            parts += [f"## `{name}`", f"`multiprocessing.{name}`, raised by `get` when its time is over."]
    return "\n\n".join(part for part in parts if part) + "\n"
