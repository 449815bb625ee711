"""Where Snakefiles and scripts come from."""

from furrow_evaluator.engine_only import stand_ins
from furrow_evaluator.source_files import GithubSource as GithubFile
from furrow_evaluator.source_files import GitlabSource as GitlabFile
from furrow_evaluator.source_files import GitSource as LocalGitFile
from furrow_evaluator.source_files import HostedSource as HostingProviderFile
from furrow_evaluator.source_files import RemoteSource as GenericSourceFile
from furrow_evaluator.source_files import SourceFile, infer_source_file
from furrow_evaluator.source_files import SourcePath as LocalSourceFile

__all__ = [
    "GenericSourceFile", "GithubFile", "GitlabFile", "HostingProviderFile", "infer_source_file", "LocalGitFile",
    "LocalSourceFile", "SourceFile",
]

__getattr__ = stand_ins(__name__, "HostedGitRepo SourceCache")
