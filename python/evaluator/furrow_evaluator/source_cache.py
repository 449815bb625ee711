"""The user's cache of sources that were fetched, ~/.cache/furrow/sources. Several runs may use it at the same time."""

import os
import shutil

from .user_cache import user_cache


def cache_folder():
    """The user's cache; if nothing can be written there, a folder beside the records of runs."""
    folder = user_cache("sources")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        pass
    return folder if os.access(folder, os.W_OK) else os.path.abspath(os.path.join(".furrow", "sources"))


def make_folder(folder, fill):
    """Makes a folder under its name once it is complete, and on the disk. Another process may be faster."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    made = _new_name(folder)
    os.mkdir(made)
    try:
        fill(made)
        for place, _, names in os.walk(made):
            for name in names:
                _sync(os.path.join(place, name))
            _sync(place)
        os.rename(made, folder)
    except OSError:
        if not os.path.isdir(folder):
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def make_file(path, data, time=None):
    """Writes a file that is complete whenever it has its name, also after a power cut."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    made = _new_name(path)
    try:
        with open(made, "wb") as file:
            file.write(data)
        if time is not None:
            os.utime(made, (time, time))
        _sync(made)
        os.rename(made, path)
    finally:
        if os.path.lexists(made):
            os.unlink(made)


def _sync(path):
    if os.path.islink(path):
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # a file system that cannot do so promises nothing
    finally:
        os.close(descriptor)


def _new_name(path):
    return f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
