"""Where this user's caches are."""

import os


def user_cache(name):
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "furrow", name)
