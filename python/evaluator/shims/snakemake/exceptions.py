"""Exceptions that Snakefiles raise or catch."""

from furrow_evaluator.errors import IncompleteCheckpoint as IncompleteCheckpointException
from furrow_evaluator.errors import LookupFailed as LookupError
from furrow_evaluator.errors import WildcardError, WorkflowError

# Each base, and what derives from it.
__all__ = ["IncompleteCheckpointException", "LookupError", "print_exception", "WildcardError", "WorkflowError"]
_FAMILIES = {
    "WorkflowError": "CheckSumMismatchException ChildIOException CreateCondaEnvironmentException "
    "FileOrDirectoryNotFoundError InputFunctionException InputOpenException InvalidFlagError LockException "
    "MissingOutputFileCachePathException NoFileInWorkdirException ParameterException RuleException "
    "SourceFileError UndefinedPathvarException",
    "RuleException": "AmbiguousRuleException AzureFileException ClusterJobException CreateRuleException "
    "CyclicGraphException DropboxFileException FTPFileException HTTPFileException IOException IOFileException "
    "ImproperShadowException IncompleteFilesException MissingOutputException MissingRuleException NCBIFileException "
    "NoRulesException PeriodicWildcardError RemoteFileException S3FileException SFTPFileException "
    "UnknownRuleException WebDAVFileException XRootDFileException ZenodoFileException",
    "IOException": "ImproperOutputException MissingInputException ProtectedOutputException",
    "Exception": "CacheMissException CliException LogFormatException "
    "ResourceConversionError ResourceScopesException SpawnedJobError TerminatedException",
}
for _base, _names in _FAMILIES.items():
    for _name in _names.split():
        _bases = (globals().get(_base) or Exception,)
        __all__.append(_name)
        globals()[_name] = type(_name, _bases, {"__module__": __name__})


def print_exception(exception, linemaps=None):
    import sys

    from furrow_evaluator.errors import user_traceback

    sys.stderr.write(user_traceback(exception))
