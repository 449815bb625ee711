// Which workflow a run had: its files, configuration, rules and software, as they were when it began. A run keeps it in its
// journal of events, as JSON (docs/design/store.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::report {

// A file that says what is to be done: a Snakefile, a script, a configuration, a description of software.
struct SourceFile {
  std::string path{};
  std::int64_t mtime_ns = 0, size = 0;
  std::uint64_t content = 0;  // hash; 0: it could not be read
  friend bool operator==(const SourceFile&, const SourceFile&) = default;
};

struct RuleFacts {
  std::string name{}, file{}, kind{}, docstring{};
  int line = 0;
  std::string script{};                  // empty: none
  std::vector<std::string> wildcards{};  // in the order of a record's text
  // The software environment that its jobs run in, if it is the same for all.
  std::string conda_file{}, conda_name{}, image{};
  std::vector<std::string> modules{};
  friend bool operator==(const RuleFacts&, const RuleFacts&) = default;
};

// Paths start at the folder, if they are in it: it may be moved. Others are absolute.
struct WorkflowFacts {
  std::string snakefile{};                  // empty: nothing is known
  std::string folder{};                     // in which it works, absolute
  std::string command{};                    // as it was typed
  std::string python{};                     // the version of the Python that ran the Snakefile
  std::string config = "{}";                // as JSON
  std::vector<std::string> envvars{};       // names of variables whose values must not be shown
  std::vector<std::string> included{};      // further Snakefiles
  std::vector<std::string> config_files{};  // or their addresses
  std::vector<SourceFile> sources{};        // all of the files that are named here
  std::vector<RuleFacts> rules{};

  friend bool operator==(const WorkflowFacts&, const WorkflowFacts&) = default;
};

std::string to_json(const WorkflowFacts& facts);
Result<WorkflowFacts> workflow_facts_from(std::string_view json);

}  // namespace furrow::report
