"""The `snakemake` object as R, bash and Julia source."""

import json

from .formatting import quote
from .values import NamedList

_INTERNAL = ("_cores", "_nodes")


def _plain_items(resources):
    return {name: value for name, value in resources.items() if name not in _INTERNAL}


# R.


def r_value(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float, complex)):
        return _r_number(value)
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        return _r_text(str(value))
    if isinstance(value, dict):
        return "list(%s)" % ", ".join(f"{_r_text(str(key))} = {r_value(item)}" for key, item in value.items())
    if hasattr(value, "tolist") and not isinstance(value, list):
        return r_value(value.tolist())
    if hasattr(value, "to_dict"):
        return r_value(value.to_dict("list") if hasattr(value, "columns") else value.to_dict())
    if hasattr(value, "__iter__"):
        return _r_list(list(value))
    return _r_text(str(value))


def _r_number(value):
    if isinstance(value, int):
        return f"{value}L" if abs(value) < 2**31 else str(value)
    if isinstance(value, complex):
        return f"complex(real={value.real!r}, imaginary={value.imag!r})"
    if value != value:
        return "NaN"
    if abs(value) == float("inf"):
        return "Inf" if value > 0 else "-Inf"
    return repr(value)


def _r_text(text):
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"%s"' % "".join(escapes.get(sign, sign) for sign in text)


def _r_list(values):
    """A vector if all values are of one kind, else a list."""
    alike = any(all(isinstance(item, kind) for item in values) for kind in (bool, (int, float, complex), str))
    return "%s(%s)" % ("c" if alike else "list", ", ".join(map(r_value, values)))


def _r_named_list(values):
    """Items by position, then the named ones again by name."""
    items = [r_value(item) for item in values]
    items += [f"{_r_text(name)} = {r_value(item)}" for name, item in values.items()]
    return "list(%s)" % ", ".join(items)


def r_preamble(data, folder=None):
    """The object `snakemake`. A relative path for its source() starts at the script; FOLDER is where to work."""
    slots = "input output params wildcards log resources config".split()
    declared = ", ".join([f'{name} = "list"' for name in slots])
    values = {name: _r_named_list(getattr(data, name)) for name in ("input", "output", "params", "wildcards", "log")}
    values["resources"] = r_value(_plain_items(data.resources))
    values["config"] = r_value(data.config)
    iteration = "NA" if data.bench_iteration is None else data.bench_iteration
    lines = [
        "library(methods)",
        'Snakemake <- setClass("Snakemake", slots = c(%s, threads = "numeric", rule = "character", '
        'bench_iteration = "numeric", scriptdir = "character", source = "function"))' % declared,
        "snakemake <- Snakemake(",
        *[f"    {name} = {values[name]}," for name in slots],
        "    threads = %d, rule = %s," % (data.threads, _r_text(data.rule)),
        f"    bench_iteration = as.numeric({iteration}), scriptdir = {_r_text(data.scriptdir)},",
        "    source = function(...) {",
        '        if (grepl("^https?://", snakemake@scriptdir)) return(source(file.path(snakemake@scriptdir, ...)))',
        "        before <- setwd(snakemake@scriptdir)",
        "        on.exit(setwd(before), add = TRUE)",
        "        source(...)",
        "    }",
        ")",
        "" if folder is None else f"setwd({_r_text(folder)})",
    ]
    return "\n".join(lines) + "\n"


def r_render(file, output):
    """The call that turns R Markdown into a job's output, where the job runs."""
    file, output = _r_text(file), _r_text(output) if output.startswith("/") else f"file.path(folder, {_r_text(output)})"
    return (
        f"folder <- getwd(); rmarkdown::render({file}, output_file = {output}, quiet = TRUE, knit_root_dir = folder, "
        f"params = list(rmd = {file}))"
    )


def insert_into_markdown(text, preamble):
    """The preamble as a hidden chunk after the header between two lines of dashes."""
    chunk = "```{r, echo=FALSE, message=FALSE, warning=FALSE}\n%s```\n" % preamble
    if text.startswith("---\n"):
        end = text.find("\n---\n", 3)
        if end >= 0:
            return text[: end + 5] + "\n" + chunk + text[end + 5 :]
    return chunk + text


# bash.


def _bash_word(value):
    if hasattr(value, "__iter__") and not isinstance(value, str) and not hasattr(value, "__fspath__"):
        value = " ".join(str(item) for item in value)
    return quote(str(value)) or "''"


def _bash_array(name, pairs):
    return "declare -A %s=( %s )" % (
        name,
        "".join(f"[{_bash_word(key)}]={_bash_word(value)} " for key, value in pairs),
    )


def _bash_pairs(values):
    pairs = []
    for at, (name, value) in enumerate(NamedList._allitems(values)):
        if name is not None:
            pairs.append((name, value))
        pairs.append((str(at), value))
    return pairs


def bash_preamble(data):
    lines = [
        _bash_array("snakemake_" + name, _bash_pairs(getattr(data, name)))
        for name in ("input", "output", "log", "wildcards", "params")
    ]
    lines.append(_bash_array("snakemake_resources", _bash_pairs(data.resources)))
    lines.append(_bash_array("snakemake_config", data.config.items()))
    single = {
        "threads": data.threads,
        "rule": data.rule,
        "bench_iteration": data.bench_iteration,
        "scriptdir": data.scriptdir,
    }
    lines.append(_bash_array("snakemake", single.items()))
    return "\n".join(lines) + "\n"


# Julia.


def _julia_value(value):
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        return json.dumps(str(value), ensure_ascii=False).replace("$", "\\$")
    if isinstance(value, dict):
        return "Dict(%s)" % ", ".join(f"{_julia_value(key)} => {_julia_value(item)}" for key, item in value.items())
    return "[%s]" % ", ".join(map(_julia_value, value))


def _julia_named_list(values):
    pairs = [f"{at + 1} => {_julia_value(item)}" for at, item in enumerate(values)]
    pairs += [f"{_julia_value(name)} => {_julia_value(item)}" for name, item in values.items()]
    return "Dict(%s)" % ", ".join(pairs)


def julia_preamble(data):
    fields = "input output params wildcards threads log resources config rule bench_iteration scriptdir".split()
    values = []
    for name in fields:
        value = getattr(data, name)
        value = _plain_items(value) if name == "resources" else value
        values.append(_julia_named_list(value) if isinstance(value, NamedList) else _julia_value(value))
    return "struct Snakemake\n%s\nend\nsnakemake = Snakemake(\n%s\n)\n" % (
        "\n".join("    " + name for name in fields),
        ",\n".join(values),
    )
