"""`template_engine:` fills a template, the rule's input, with its params, wildcards, input and the config."""

from .errors import WorkflowError, imported

ENGINES = ("yte", "jinja2")


def renderer(engine, rule):
    """The function that a job of such a rule runs."""

    def render(input, output, params, wildcards, **ignored):
        template = _template_of(input)
        if len(output) != 1:
            raise WorkflowError(f"a rule with template_engine has one output; {rule.name} has {len(output)}")
        names = {"params": params, "wildcards": wildcards, "config": rule.config, "input": input}
        _ENGINES[engine](str(template), str(output[0]), names)

    return render


def _template_of(input):
    if len(input) == 1:
        return input[0]
    if "template" not in input.keys():
        raise WorkflowError("a rule with template_engine has one input, or names one of them `template`")
    return input.template


def _yte(template, output, names):
    yte = imported("yte", "template_engine")
    with open(template) as source, open(output, "w") as made:
        yte.process_yaml(source, outfile=made, variables=names)


def _jinja2(template, output, names):
    with open(template) as source:
        filled = imported("jinja2", "template_engine").Template(source.read()).render(**names)
    with open(output, "w") as made:
        made.write(filled)


_ENGINES = {"yte": _yte, "jinja2": _jinja2}
