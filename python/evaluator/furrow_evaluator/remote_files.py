"""Files in remote storage. Furrow plans with them and prints them, but does not start a job that needs one yet."""

from .errors import NotYet, WorkflowError
from .flags import flag


def flag_remote(path, provider=None):
    return flag(path, "remote", provider)


def _each(query, make):
    if isinstance(query, str) or hasattr(query, "__fspath__"):
        return make(str(query))
    return [_each(item, make) for item in query]


class StorageProvider:
    """`storage.http`: a kind of storage, or one that `storage NAME:` has set up."""

    def __init__(self, name=None, registry=None):
        self.name = name

    def __call__(self, query, retrieve=None, keep_local=None, **settings):
        return _each(query, lambda text: flag_remote(text, self.name))

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotYet(f"storage.{self.name}.{name}: remote files are not supported yet")


class Storage(StorageProvider):
    """`storage`: a file is `storage("s3://...")` or `storage.s3("s3://...")`."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return StorageProvider(name)

    def register_storage(self, provider=None, tag=None, **settings):
        if provider is None:
            raise WorkflowError('storage needs a provider, as in `storage: provider="http"`')
        if provider != provider.lower():
            raise WorkflowError(f"the storage provider {provider} must be written in lower case")
        return StorageProvider(tag or provider)


storage = Storage()


class RemoteProvider:
    """The providers of version 7 of the language, `snakemake.remote.S3` and the like."""

    kind = "remote"

    def __init__(self, *args, keep_local=False, stay_on_remote=False, is_default=False, **settings):
        self.stay_on_remote = stay_on_remote
        self.keep_local = keep_local

    @property
    def name(self):
        return self.kind

    def remote(self, value, *args, keep_local=None, stay_on_remote=None, static=False, **settings):
        stays = self.stay_on_remote if stay_on_remote is None else stay_on_remote

        def name_of(text):
            return flag_remote(text if stays else text.partition("://")[2] or text, self.kind)

        return _each(value, name_of)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotYet(f"snakemake.remote.{self.kind}: {name} needs remote files, which are not supported yet")
