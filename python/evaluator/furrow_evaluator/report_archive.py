"""The archive of a report: a page, and the files that it shows beside it."""

import os
from zipfile import ZIP_DEFLATED, ZipFile

from .errors import WorkflowError


def write_archive(path, page, files):
    """FILES: pairs of a file and its name beside the page. PAGE is a file that is removed."""
    folder = os.path.splitext(os.path.basename(path))[0]
    unfinished = path + ".part"
    try:
        with ZipFile(unfinished, "w", compression=ZIP_DEFLATED, strict_timestamps=False) as archive:
            for file, name in files:
                archive.write(file, f"{folder}/{name}")
            archive.write(page, f"{folder}/report.html")
        os.replace(unfinished, path)
    except (OSError, ValueError) as error:
        raise WorkflowError(f"the report {path} cannot be written: {error}") from None
    finally:
        for left in (page, unfinished):
            if os.path.exists(left):
                os.unlink(left)
