"""Files on web servers: fetched with the http of Python's standard library, and kept by address.

The cache, ~/.cache/furrow/sources, holds

    web/https/host.org/flow/Snakefile           a file: complete, and as old as the server says
    web-answers/https/host.org/flow/Snakefile   what the server said of it, to ask whether there is a newer one

The server is asked once in each run. If it does not answer, what was fetched before is used, with a warning.

A file that is named beside another one, as `include: "rules/a.smk"` in a Snakefile from the web, gets a path in this
cache before it is there. `refreshed` fetches what such a path stands for.
"""

import json
import os
import sys
import time

from .errors import WorkflowError
from .logger import logger
from .source_cache import cache_folder, make_file

_TIMEOUT_S = 30
# How long to wait before a server that is at a loss is asked again.
_PAUSES_S = (0.2, 0.8)
_SCHEMES = ("http", "https")


class NotThere(WorkflowError):
    """The server answers, and has no such file."""


class NotFetched(WorkflowError):
    """There is no answer, or none that is complete."""


class _Failed(Exception):
    """One try. `again` says whether another one may help."""

    def __init__(self, text, again=False):
        super().__init__(text)
        self.again = again


class _Absent(Exception):
    pass


class _Web:
    """What this process knows."""

    root = None  # None: no address was used yet
    secrets = {}  # the names and passwords of addresses, by scheme and host
    known = {}  # paths and errors, by address


def path_of(url):
    """The path on this machine of the file that an address names."""
    url = _without_secret(str(url))
    if url not in _Web.known:
        try:
            _Web.known[url] = _fetched(url)
        except WorkflowError as error:
            _Web.known[url] = error
    known = _Web.known[url]
    if isinstance(known, WorkflowError):
        raise type(known)(*known.args, hint=known.hint)
    return known


def cached_path_of(url):
    """The same without the web; None if the file was never fetched."""
    path = _place_of(_without_secret(str(url)))
    return path if os.path.isfile(path) else None


def refreshed(path):
    """The same path; what it names on the web is fetched. Other paths, and folders, are left alone."""
    url = url_of(path)
    if url is not None and url.count("/") > 2 and not os.path.isdir(path):
        try:
            path_of(url)
        except NotThere:
            pass  # the caller finds out
    return path


def url_of(path):
    """The address that a path in the cache stands for; None if it is elsewhere."""
    if _Web.root is None or not str(path).startswith(_Web.root):
        return None
    scheme, _, rest = str(path)[len(_Web.root) :].partition("/")
    return f"{scheme}://{rest}" if scheme in _SCHEMES else None


def _root():
    if _Web.root is None:
        _Web.root = os.path.join(cache_folder(), "web") + os.sep
    return _Web.root


def _place_of(url):
    scheme, _, rest = url.partition("://")
    rest, mark, query = rest.partition("?")
    parts = (rest + mark + query.replace("/", "%2F")).split("/")
    if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):
        raise WorkflowError(f"{url} is not the address of a file")
    return os.path.join(_root(), scheme, *parts)


def _without_secret(url):
    """The address without a fragment, and without a name and a password, which are kept apart."""
    scheme, _, rest = url.partition("#")[0].partition("://")
    host, slash, path = rest.partition("/")
    secret, at, host = host.rpartition("@")
    if at:
        _Web.secrets[scheme, host] = secret
    return f"{scheme}://{host}{slash}{path}"


def _fetched(url):
    path = _place_of(url)
    is_there = os.path.isfile(path)
    try:
        _update(url, path, is_there)
    except _Absent as answer:
        raise NotThere(f"{url}: the server answers {answer}") from None
    except _Failed as failed:
        if not is_there:
            raise NotFetched(f"{url} cannot be fetched: {failed}") from None
        logger.warning(f"{url} cannot be fetched: {failed}; what was fetched before is used")
    except OSError as error:
        raise NotFetched(f"{url} cannot be kept in {os.path.dirname(path)}: {error.strerror or error}") from None
    return path


def _update(url, path, is_there):
    answers = os.path.join(os.path.dirname(_root().rstrip(os.sep)), "web-answers", os.path.relpath(path, _root()))
    before = _read_answer(answers, path) if is_there else {}
    answer = _ask_until_answered(url, before)
    if answer is None:
        return
    data, headers = answer
    make_file(path, data, _time_of(headers.get("Last-Modified")))
    said = {"etag": headers.get("ETag"), "modified": headers.get("Last-Modified"), "sha256": _hash_of(data)}
    make_file(answers, json.dumps(said).encode())
    print(f"fetched {url}", file=sys.stderr, flush=True)


def _read_answer(answers, path):
    """What the server said of the file; nothing if it said so of other content: another run may just have written."""
    try:
        with open(answers, "rb") as file, open(path, "rb") as data:
            said = json.loads(file.read())
            return said if said.get("sha256") == _hash_of(data.read()) else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _hash_of(data):
    from hashlib import sha256

    return sha256(data).hexdigest()


def _time_of(text):
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _ask_until_answered(url, before):
    for pause in (*_PAUSES_S, None):
        try:
            return _ask(url, before)
        except _Failed as failed:
            if not failed.again or pause is None:
                raise
            time.sleep(pause)


def _ask(url, before):
    """(content, headers); None if what was fetched before is still right."""
    from http.client import HTTPException
    from socket import timeout
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    try:
        with urlopen(_request(url, before), timeout=_TIMEOUT_S) as response:
            return response.read(), response.headers
    except HTTPError as error:
        error.close()
        if error.code == 304:
            return None
        text = f"{error.code} {error.reason}".rstrip()
        if error.code in (404, 410):
            raise _Absent(text) from None
        raise _Failed(f"the server answers {text}", again=error.code >= 500 or error.code == 429) from None
    except URLError as error:
        raise _Failed(str(error.reason), again=isinstance(error.reason, (TimeoutError, timeout))) from None
    except HTTPException as error:
        raise _Failed(_shown_half(error), again=True) from None
    except (OSError, ValueError) as error:
        raise _Failed(str(error) or type(error).__name__, again=isinstance(error, OSError)) from None


def _shown_half(error):
    got = getattr(error, "partial", None)
    if got is None:
        return f"the server's answer makes no sense: {type(error).__name__} {error}"
    more = f", {error.expected} more were to come" if getattr(error, "expected", None) else ""
    return f"the answer ends after {len(got)} bytes{more}"


def _request(url, before):
    from urllib.parse import quote, unquote
    from urllib.request import Request

    request = Request(quote(url, safe="/:?&=%+,;@~!$'()*[]"), headers={"User-Agent": "furrow"})
    if before.get("etag"):
        request.add_header("If-None-Match", before["etag"])
    if before.get("modified"):
        request.add_header("If-Modified-Since", before["modified"])
    scheme, _, rest = url.partition("://")
    secret = _Web.secrets.get((scheme, rest.partition("/")[0]))
    if secret:
        from base64 import b64encode

        # Not passed on to another host if the server names one.
        request.add_unredirected_header("Authorization", "Basic " + b64encode(unquote(secret).encode()).decode())
    return request
