"""The `snakemake` object as R, bash and Julia source."""

import json

from .formatting import quote
from .values import NamedList

kInternal = ("_cores", "_nodes")


def plain_items(resources):
    return {name: value for name, value in resources.items() if name not in kInternal}


# R.


def r_value(value):
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float, complex)):
        return r_number(value)
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        return r_text(str(value))
    if isinstance(value, dict):
        return "list(%s)" % ", ".join("%s = %s" % (r_text(str(key)), r_value(item)) for key, item in value.items())
    if hasattr(value, "tolist") and not isinstance(value, list):
        return r_value(value.tolist())
    if hasattr(value, "to_dict"):
        return r_value(value.to_dict("list") if hasattr(value, "columns") else value.to_dict())
    if hasattr(value, "__iter__"):
        return r_list(list(value))
    return r_text(str(value))


def r_number(value):
    if isinstance(value, int):
        return "%dL" % value if abs(value) < 2**31 else "%d" % value
    if isinstance(value, complex):
        return "complex(real=%r, imaginary=%r)" % (value.real, value.imag)
    if value != value:
        return "NaN"
    if abs(value) == float("inf"):
        return "Inf" if value > 0 else "-Inf"
    return repr(value)


def r_text(text):
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"%s"' % "".join(escapes.get(sign, sign) for sign in text)


def r_list(values):
    """A vector where all values are of one kind, else a list."""
    alike = any(all(isinstance(item, kind) for item in values) for kind in (bool, (int, float, complex), str))
    return "%s(%s)" % ("c" if alike else "list", ", ".join(map(r_value, values)))


def r_named_list(values):
    """Items by position, then those that have a name once more by name."""
    items = [r_value(item) for item in values]
    items += ["%s = %s" % (r_text(name), r_value(item)) for name, item in values.items()]
    return "list(%s)" % ", ".join(items)


def r_preamble(data):
    slots = "input output params wildcards log resources config".split()
    declared = ", ".join(['%s = "list"' % name for name in slots])
    values = {name: r_named_list(getattr(data, name)) for name in ("input", "output", "params", "wildcards", "log")}
    values["resources"] = r_value(plain_items(data.resources))
    values["config"] = r_value(data.config)
    lines = [
        "library(methods)",
        'Snakemake <- setClass("Snakemake", slots = c(%s, threads = "numeric", rule = "character", bench_iteration = "numeric", '
        'scriptdir = "character", source = "function"))' % declared,
        "snakemake <- Snakemake(",
        *["    %s = %s," % (name, values[name]) for name in slots],
        "    threads = %d, rule = %s," % (data.threads, r_text(data.rule)),
        "    bench_iteration = as.numeric(%s), scriptdir = %s," % ("NA" if data.bench_iteration is None else data.bench_iteration, r_text(data.scriptdir)),
        "    source = function(...) {",
        "        before <- setwd(snakemake@scriptdir)",
        "        on.exit(setwd(before), add = TRUE)",
        "        source(...)",
        "    }",
        ")",
        "",
    ]
    return "\n".join(lines) + "\n"


def insert_into_markdown(text, preamble):
    """The preamble as a hidden chunk behind the header between two lines of dashes."""
    chunk = "```{r, echo=FALSE, message=FALSE, warning=FALSE}\n%s```\n" % preamble
    if text.startswith("---\n"):
        end = text.find("\n---\n", 3)
        if end >= 0:
            return text[: end + 5] + "\n" + chunk + text[end + 5 :]
    return chunk + text


# bash.


def bash_word(value):
    if hasattr(value, "__iter__") and not isinstance(value, str) and not hasattr(value, "__fspath__"):
        value = " ".join(str(item) for item in value)
    return quote(str(value)) or "''"


def bash_array(name, pairs):
    return "declare -A %s=( %s )" % (name, "".join("[%s]=%s " % (bash_word(key), bash_word(value)) for key, value in pairs))


def bash_pairs(values):
    pairs = []
    for at, (name, value) in enumerate(NamedList._allitems(values)):
        if name is not None:
            pairs.append((name, value))
        pairs.append((str(at), value))
    return pairs


def bash_preamble(data):
    lines = [bash_array("snakemake_" + name, bash_pairs(getattr(data, name))) for name in ("input", "output", "log", "wildcards", "params")]
    lines.append(bash_array("snakemake_resources", bash_pairs(data.resources)))
    lines.append(bash_array("snakemake_config", data.config.items()))
    single = {"threads": data.threads, "rule": data.rule, "bench_iteration": data.bench_iteration, "scriptdir": data.scriptdir}
    lines.append(bash_array("snakemake", single.items()))
    return "\n".join(lines) + "\n"


# Julia.


def julia_value(value):
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str) or hasattr(value, "__fspath__"):
        return json.dumps(str(value), ensure_ascii=False).replace("$", "\\$")
    if isinstance(value, dict):
        return "Dict(%s)" % ", ".join("%s => %s" % (julia_value(key), julia_value(item)) for key, item in value.items())
    return "[%s]" % ", ".join(map(julia_value, value))


def julia_named_list(values):
    pairs = ["%d => %s" % (at + 1, julia_value(item)) for at, item in enumerate(values)]
    pairs += ["%s => %s" % (julia_value(name), julia_value(item)) for name, item in values.items()]
    return "Dict(%s)" % ", ".join(pairs)


def julia_preamble(data):
    fields = "input output params wildcards threads log resources config rule bench_iteration scriptdir".split()
    values = []
    for name in fields:
        value = getattr(data, name)
        value = plain_items(value) if name == "resources" else value
        values.append(julia_named_list(value) if isinstance(value, NamedList) else julia_value(value))
    return "struct Snakemake\n%s\nend\nsnakemake = Snakemake(\n%s\n)\n" % ("\n".join("    " + name for name in fields), ",\n".join(values))
