"""Remote files as version 7 of the language names them: `from snakemake.remote import FTP`."""

import sys

from furrow_evaluator.engine_only import stand_ins
from furrow_evaluator.remote_files import RemoteProvider as AbstractRemoteProvider

AUTO = AbstractRemoteProvider()

__getattr__ = stand_ins(
    __name__,
    "AbstractRemoteObject AbstractRemoteRetryObject AutoRemoteProvider DomainObject PooledDomainObject "
    "StaticRemoteObjectProxy check_deprecated_retry",
)


def _add_module(kind):
    name = f"{__name__}.{kind}"
    module = sys.modules[name] = globals()[kind] = type(sys)(name, f"Remote files: {kind}.")
    module.RemoteProvider = type("RemoteProvider", (AbstractRemoteProvider,), {"__module__": name, "kind": kind})
    module.__getattr__ = stand_ins(name, "RemoteObject")


for _kind in (
    "AzBlob EGA FTP GS HTTP NCBI S3 S3Mocked SFTP XRootD dropbox gfal gridftp iRODS webdav zenodo".split()
):
    _add_module(_kind)
