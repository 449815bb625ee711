"""The object `snakemake` as Rust source, and where it goes in a script for rust-script.

Each value has the type that its JSON would get: `snakemake.params.count` is an i64. It needs nothing but std, unless a
value has no type in Rust (None, a list of unlike items): that is a serde_json::Value.

A script without main is put into a function, and so are these items: none of their paths may start at the crate.
"""

import json
import re

from .values import NamedList

# What scripts may use without a manifest of their own.
DEPENDENCIES = "anyhow=1 serde_json=1.0 serde=1.0 serde_derive=1.0 lazy_static=1.4 json_typegen=0.6 gag=1".split()
_KEYWORDS = frozenset(
    "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move "
    "mut pub ref return self static struct super trait true type unsafe use where while abstract become box do final "
    "macro override priv try typeof unsized virtual yield".split()
)
_INTERNAL = ("_cores", "_nodes")
_LISTS = "Input Output Wildcards Log".split()

_HEAD = "#[allow(dead_code)]\n#[derive(Debug, Clone, PartialEq)]\n"
_METHODS = """
#[allow(dead_code)]
struct SnakemakeRedirect { target: i32, before: i32 }
impl ::std::ops::Drop for SnakemakeRedirect {
    fn drop(&mut self) { unsafe { snakemake_dup2(self.before, self.target); snakemake_close(self.before); } }
}
extern "C" {
    #[link_name = "dup"] fn snakemake_dup(from: i32) -> i32;
    #[link_name = "dup2"] fn snakemake_dup2(from: i32, to: i32) -> i32;
    #[link_name = "close"] fn snakemake_close(descriptor: i32) -> i32;
}
#[allow(dead_code)]
impl Snakemake {
    fn redirect<P: AsRef<::std::path::Path>>(&self, path: P, target: i32) -> ::std::io::Result<SnakemakeRedirect> {
        let file = ::std::fs::File::create(path)?;
        let before = unsafe { snakemake_dup(target) };
        if unsafe { snakemake_dup2(::std::os::unix::io::AsRawFd::as_raw_fd(&file), target) } < 0 {
            return Err(::std::io::Error::last_os_error());
        }
        Ok(SnakemakeRedirect { target, before })
    }
    fn redirect_stdout<P: AsRef<::std::path::Path>>(&self, path: P) -> ::std::io::Result<SnakemakeRedirect> {
        self.redirect(path, 1)
    }
    fn redirect_stderr<P: AsRef<::std::path::Path>>(&self, path: P) -> ::std::io::Result<SnakemakeRedirect> {
        self.redirect(path, 2)
    }
}
#[allow(non_camel_case_types)]
struct snakemake_object;
impl ::std::ops::Deref for snakemake_object {
    type Target = Snakemake;
    fn deref(&self) -> &Snakemake {
        use ::std::sync::atomic::{AtomicPtr, Ordering};
        static MADE: AtomicPtr<Snakemake> = AtomicPtr::new(::std::ptr::null_mut());
        let known = MADE.load(Ordering::Acquire);
        if !known.is_null() { return unsafe { &*known }; }
        let new = Box::into_raw(Box::new(snakemake_values()));
        match MADE.compare_exchange(::std::ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => unsafe { &*new },
            Err(first) => { drop(unsafe { Box::from_raw(new) }); unsafe { &*first } }
        }
    }
}
#[allow(non_upper_case_globals, dead_code)]
static snakemake: snakemake_object = snakemake_object;
"""
_OF_A_LIST = """
impl ::std::ops::Index<usize> for %(name)s {
    type Output = String;
    fn index(&self, at: usize) -> &String { &self.positional[at] }
}
impl IntoIterator for %(name)s {
    type Item = String;
    type IntoIter = ::std::vec::IntoIter<String>;
    fn into_iter(self) -> Self::IntoIter { self.positional.into_iter() }
}
impl<'a> IntoIterator for &'a %(name)s {
    type Item = &'a String;
    type IntoIter = ::std::slice::Iter<'a, String>;
    fn into_iter(self) -> Self::IntoIter { self.positional.iter() }
}
"""


class _Types:
    """The structs, in the order in which they are needed."""

    def __init__(self):
        self.texts = []
        self._names = set()

    def struct(self, name, fields):
        """(type, expression) of a struct with these fields, by name: (type, expression)."""
        name = self._free(name)
        members = "".join(f"    {key}: {kind},\n" for key, kind, _ in fields)
        self.texts.append(f"{_HEAD}struct {name} {{\n{members}}}\n")
        return name, "%s { %s }" % (name, ", ".join(f"{key}: {text}" for key, _, text in fields))

    def _free(self, name):
        found, number = name, 1
        while found in self._names:
            number += 1
            found = f"{name}{number}"
        self._names.add(found)
        return found

    def mapping(self, name, pairs, first=()):
        fields, used = list(first), {key for key, _, _ in first}
        for key, value in pairs:
            key = field = field_name(str(key))
            number = 1
            while field in used:
                number += 1
                field = f"{key}{number}"
            used.add(field)
            fields.append((field, *self.value(value, type_name(field))))
        return self.struct(name, fields)

    def value(self, value, name):
        if value is None:
            return "Option<::serde_json::Value>", "None"
        if isinstance(value, bool):
            return "bool", "true" if value else "false"
        if isinstance(value, int):
            return "i64", f"{value}i64"
        if isinstance(value, float):
            return "f64", _float(value)
        if isinstance(value, str) or hasattr(value, "__fspath__"):
            return "String", _string(str(value))
        if isinstance(value, dict):
            return self.mapping(name, value.items())
        if hasattr(value, "tolist") and not isinstance(value, list):
            return self.value(value.tolist(), name)
        if hasattr(value, "__iter__"):
            return self._list(list(value), name)
        return "String", _string(str(value))

    def _list(self, values, name):
        if all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in values) and any(
            isinstance(item, float) for item in values
        ):
            values = list(map(float, values))
        is_plain = not any(item is None or isinstance(item, (dict, list, tuple)) for item in values)
        kinds = {self.value(item, name)[0] for item in values} if is_plain else {}
        if not values or len(kinds) == 1:
            kind = next(iter(kinds), "String")
            return f"Vec<{kind}>", "vec![%s]" % ", ".join(self.value(item, name)[1] for item in values)
        return "::serde_json::Value", "::serde_json::from_str(%s).unwrap()" % _literal(json.dumps(values, default=str))


def _float(value):
    if value != value:
        return "f64::NAN"
    if abs(value) == float("inf"):
        return "f64::INFINITY" if value > 0 else "f64::NEG_INFINITY"
    return f"{value!r}f64"


def _literal(text):
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    return '"%s"' % "".join(escapes.get(sign, sign) for sign in text)


def _string(text):
    return _literal(text) + ".to_string()"


def field_name(text):
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower() or "field"
    if name[0].isdigit():
        name = "n" + name
    return name + "_field" if name in _KEYWORDS else name


def type_name(text):
    return "".join(word[:1].upper() + word[1:] for word in text.split("_")) or "Field"


def _strings(values):
    return "positional", "Vec<String>", "vec![%s]" % ", ".join(_string(str(value)) for value in values)


def _of_list(types, name, values):
    pairs = list(NamedList._allitems(values))
    unnamed = [value for key, value in pairs if key is None]
    return types.mapping(name, [(key, value) for key, value in pairs if key is not None], [_strings(unnamed)])


def rust_preamble(data):
    types, fields = _Types(), []
    for name in ("input", "output", "wildcards", "log", "params", "resources", "config"):
        values = getattr(data, name)
        if name in ("params", "config", "resources"):
            pairs = [(key, value) for key, value in values.items() if key not in _INTERNAL]
            made = types.mapping(type_name(name), pairs, [_strings([])])
        else:
            made = _of_list(types, type_name(name), values)
        fields.append((name, *made))
    iteration = data.bench_iteration
    fields += [
        ("threads", *types.value(data.threads, "")),
        ("rulename", *types.value(data.rule, "")),
        ("bench_iteration", "Option<usize>", "None" if iteration is None else f"Some({iteration})"),
        ("scriptdir", *types.value(data.scriptdir, "")),
    ]
    _, expression = types.struct("Snakemake", fields)
    parts = [*types.texts, f"fn snakemake_values() -> Snakemake {{ {expression} }}\n"]
    parts += [_OF_A_LIST % {"name": name} for name in _LISTS]
    return "".join(parts) + _METHODS


def insert_into_rust(text, preamble):
    """The manifest of a script, a comment at its start, stays there; the shebang goes."""
    text = re.sub(r"\A#!(?!\[).*\r?\n", "", text)
    manifest = _manifest(text)
    return manifest + preamble + text[len(manifest) :]


def _manifest(text):
    one_line = re.match(r"\s*//\s*cargo-deps\s*:.*(\r?\n|\Z)", text, re.IGNORECASE)
    if one_line:
        return one_line.group()
    block = re.match(r"(\s*//[!/].*(\r?\n|\Z))+", text)
    if block and re.search(r"```\s*cargo.*```", block.group(), re.DOTALL):
        return block.group()
    comment = re.match(r"\s*/\*!.*?\*/[^\n]*(\n|\Z)", text, re.DOTALL)
    return comment.group() if comment and "```cargo" in comment.group().replace(" ", "") else ""
