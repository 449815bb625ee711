"""Captions: reStructuredText with fields of Jinja2, as HTML.

The user's Python may have neither docutils nor jinja2. Then plain_text.py makes what can be made without them.
"""

import io
import os
import re
from html import escape

from .errors import WorkflowError
from .logger import logger
from .report_images import data_uri

# Names of Snakemake, for pictures that go into the page.
_IMAGE_DIRECTIVES = ("embeddedimage", "embeddedfigure")
_PLAIN = re.compile(r"[^\W\d_](?:[\w ,()%/&;!?'\n-]|\.(?!\.))*")
# A line that reStructuredText may read as more than text: a mark or a number at its start, an underline, a link.
_MARKED = re.compile(r"^[ \t-]|^\w{1,6}[.)][ \n]|^\(|--|::|_(?!\w)|__|^[^\w\s]+$", re.MULTILINE)
_TOO_LONG = 20_000
# A value that means nothing in reStructuredText, wherever it stands; and texts in which places or lengths count.
_WORD = re.compile(r"[^\W_](?:[\w.-]*[^\W_])?")
_BOUND = re.compile(r"_|\.\. |^[ \t]*([=\-~^\"'`#*+.:])\1{2,}[ \t]*$|^[ \t]*fieldq\d+q[.)]", re.MULTILINE)
_TOKEN = re.compile(r"fieldq(\d+)q")


class Captions:
    def __init__(self, workflow):
        self._workflow = workflow
        self._templates = {}
        self._pages = {}
        self._links = []
        self._values = []  # the words of the text that is being filled in
        self._said = set()
        self._jinja = _module("jinja2")
        self._docutils = _docutils()

    def set_links(self, links):
        """The names that texts may link to, as in `Step 1`_, with their addresses in the page."""
        known = {}
        for name, address in links:
            known.setdefault(" ".join(name.lower().split()), (name, address))
        self._links = list(known.values())

    def render(self, path, names):
        """The HTML of the text in this file."""
        self._values.clear()
        text = self._filled(path, names)
        if _BOUND.search(text):
            return self._cached(_TOKEN.sub(self._value_of, text), path)
        return _TOKEN.sub(lambda match: escape(self._value_of(match), quote=False), self._cached(text, path))

    def _cached(self, text, path):
        key = (os.path.dirname(path), text)
        if key not in self._pages:
            self._pages[key] = self._as_html(text, path)
        return self._pages[key]

    def _finalized(self, value):
        """Words are filled in once the text is HTML, so that the captions of many jobs are made of one text."""
        if type(value) in (str, int) and _WORD.fullmatch(str(value)):
            self._values.append(str(value))
            return f"fieldq{len(self._values) - 1}q"
        return value

    def _value_of(self, match):
        at = int(match[1])
        return self._values[at] if at < len(self._values) else match[0]

    def _filled(self, path, names):
        template = self._templates.get(path)
        if template is None:
            template = self._templates[path] = self._template(path)
        try:
            return template(names)
        except WorkflowError:
            raise
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            line = getattr(error, "lineno", None)
            raise WorkflowError(f"the text {path} of the report: {what}", file=path, line=line) from error

    def _template(self, path):
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise WorkflowError(f"the text {path} of the report cannot be read: {reason}") from None
        if "{{" not in text and "{%" not in text and "{#" not in text:
            return lambda names: text
        if self._jinja is None:
            from .plain_text import fill_fields

            self._warn(
                "jinja2", "only plain fields as {{ snakemake.wildcards.x }} are filled in"
            )
            return lambda names: fill_fields(text, names)
        try:
            # With extensions and filters as Snakemake's users know them: Jinja2's own.
            environment = self._jinja.Environment(keep_trailing_newline=True, finalize=self._finalized)
            return environment.from_string(text).render
        except self._jinja.TemplateError as error:
            raise WorkflowError(
                f"the text {path} of the report: {error}", file=path, line=getattr(error, "lineno", None)
            ) from None

    def _as_html(self, text, path):
        if len(text) < _TOO_LONG and _PLAIN.fullmatch(text) and not _MARKED.search(text.rstrip()):
            # The same as docutils makes of it, which takes milliseconds for each of perhaps ten thousand.
            return "".join(f"<p>{escape(part.strip(), quote=False)}</p>" for part in text.split("\n\n") if part.strip())
        if self._docutils is None:
            from .plain_text import as_html

            self._warn("docutils", "texts keep most of their reStructuredText as it is written")
            return as_html(text, dict((name.lower(), address) for name, address in self._links))
        return self._published(text, path)

    def _published(self, text, path):
        docutils = self._docutils
        messages = io.StringIO()
        settings = {
            "doctitle_xform": False, "initial_header_level": 3, "embed_stylesheet": False, "warning_stream": messages,
            "math_output": "MathML", "halt_level": 5, "output_encoding": "unicode", "file_insertion_enabled": True,
        }
        source = text if "_" not in text else text + self._link_definitions()
        tree = docutils.publish_doctree(source, source_path=path, settings_overrides=settings)
        for node in tree.findall(docutils.image) if hasattr(tree, "findall") else tree.traverse(docutils.image):
            node["uri"] = data_uri(node["uri"], os.path.dirname(path)) or node["uri"]
        html = docutils.body_of(tree, settings)
        for line in dict.fromkeys(messages.getvalue().splitlines()):
            if line.strip():
                logger.warning(line)
        return html

    def _link_definitions(self):
        escaped = ((re.sub(r"([\\`:])", r"\\\1", name), address) for name, address in self._links if name.strip())
        return "\n\n" + "\n".join(f".. _`{name}`: {address}" for name, address in escaped) + "\n"

    def _warn(self, package, effect):
        if package not in self._said:
            self._said.add(package)
            logger.warning(f"the Python of the Snakefile has no {package}, so {effect}; install it with pip or conda")


def _module(name):
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        return None


def _docutils():
    """What is needed of docutils; None if it is not there."""
    if _module("docutils") is None:
        return None
    from docutils import io as docutils_io
    from docutils import nodes
    from docutils.core import Publisher, publish_doctree
    from docutils.parsers.rst import directives
    from docutils.parsers.rst.directives.images import Figure, Image
    from docutils.readers.doctree import Reader

    for name, directive in zip(_IMAGE_DIRECTIVES, (Image, Figure)):
        directives.register_directive(name, directive)

    class Docutils:
        image = nodes.image

        @staticmethod
        def publish_doctree(*args, **kwargs):
            return publish_doctree(*args, **kwargs)

        @staticmethod
        def body_of(tree, settings):
            source = docutils_io.DocTreeInput(tree)
            publisher = Publisher(
                Reader(parser_name="null"), None, None, source=source, destination_class=docutils_io.StringOutput
            )
            publisher.set_writer("html5")
            publisher.process_programmatic_settings(None, settings, None)
            publisher.publish()
            return publisher.writer.parts["body"]

    return Docutils
