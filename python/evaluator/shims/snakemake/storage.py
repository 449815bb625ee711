"""Files in remote storage, as `storage(...)` names them."""

from furrow_evaluator.remote_files import Storage as StorageRegistry
from furrow_evaluator.remote_files import StorageProvider as StorageProviderProxy
from furrow_evaluator.remote_files import flag_remote as flag_with_storage_object

__all__ = ["flag_with_storage_object", "StorageProviderProxy", "StorageRegistry"]
