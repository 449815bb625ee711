"""`notebook:` as data: its language, and the cell that gives it the object `snakemake`."""

import json
import os

from .errors import WorkflowError

# The tag that Snakemake gives this cell too, so that either engine replaces it.
_TAG = "snakemake-job-properties"
_KERNELS = {
    "python": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "r": {"display_name": "R", "language": "R", "name": "ir"},
}
_ENDS = {".py.ipynb": "python", ".r.ipynb": "r"}


class Notebook:
    def __init__(self, text, path):
        self._path = path
        try:
            self._content = json.loads(text)
        except ValueError as error:
            raise WorkflowError(f"the notebook {path} is not JSON: {error}") from None
        if not isinstance(self._content, dict) or not isinstance(self._content.get("cells"), list):
            raise WorkflowError(
                f"the notebook {path} has no cells: it is not of format 4",
                hint="open it with Jupyter and save it, or remove it and make another with --draft-notebook",
            )

    @classmethod
    def empty(cls, path):
        """A draft. The end of its name says its language."""
        language = next((_ENDS[end] for end in _ENDS if path.lower().endswith(end)), None)
        if language is None:
            raise WorkflowError(f"the new notebook {path} must end in .py.ipynb or .r.ipynb, which says its language")
        made = cls('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', path)
        made._content["metadata"] = {"kernelspec": _KERNELS[language], "language_info": {"name": language}}
        made._content["cells"].append(made._code_cell("# start coding here"))
        return made

    @property
    def language(self):
        about = self._content.get("metadata") or {}
        named = (about.get("language_info") or {}).get("name") or (about.get("kernelspec") or {}).get("language")
        language = str(named or "").lower()
        if not language:
            raise WorkflowError(
                f"the notebook {self._path} does not name its language",
                hint="open it with Jupyter, choose a kernel, and save it",
            )
        if language not in _KERNELS:
            raise WorkflowError(f"the notebook {self._path} is in {named}; notebooks in Python and R can be run")
        return language

    def text_with(self, preamble):
        """The notebook with the cell for one job, which takes the place of an earlier one."""
        self.remove_preamble()
        self._content["cells"].insert(0, self._code_cell(preamble, tags=[_TAG]))
        self._content.setdefault("metadata", {}).setdefault("kernelspec", _KERNELS[self.language])
        return self.text()

    def remove_preamble(self):
        cells = self._content["cells"]
        found = [cell for cell in cells if _TAG in ((cell.get("metadata") or {}).get("tags") or ())]
        if len(found) > 1:
            raise WorkflowError(
                f"the notebook {self._path} has {len(found)} cells with the tag {_TAG}",
                hint="leave at most one of them: it is replaced in each run",
            )
        self._content["cells"] = [cell for cell in cells if not found or cell is not found[0]]

    def clear(self):
        """Removes what cells have printed."""
        for cell in self._content["cells"]:
            if cell.get("cell_type") == "code":
                cell["outputs"], cell["execution_count"] = [], None

    def text(self):
        return json.dumps(self._content, indent=1, ensure_ascii=False) + "\n"

    def _code_cell(self, source, **metadata):
        cell = {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}
        has_ids = (self._content.get("nbformat"), self._content.get("nbformat_minor", 0)) >= (4, 5)
        return {"id": os.urandom(4).hex(), **cell} if has_ids else cell
