// A Snakefile as data: its rules. A value that only Python can compute is reduced to a mark that a function
// answers it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "deploy/environment.hpp"

namespace furrow::workflow {

// How a file is to be treated.
enum FileFlag : std::uint16_t {
  kTemp = 1,
  kProtected = 2,
  kDirectory = 4,
  kAncient = 8,
  kTouch = 16,
  kLiteral = 32,  // braces are part of the name
  // temp(..., group_jobs=True): on a cluster, the job that makes the file and those that need it go together.
  kTogether = 64,
  kRemote = 128,  // in storage that Furrow does not reach yet
  kUpdate = 256,  // an output that its job changes: the old one is there when the job starts
  // An input as it is before this run changes it: no rule makes it.
  kBeforeUpdate = 512,
  kPipe = 1024,     // a named pipe: the job that writes it and the one that reads it run at once
  kService = 2048,  // what a job offers as long as it runs: it runs until those that use it have ended
  // Outputs that are there only while jobs run.
  kPassing = kPipe | kService,
};
using FileFlags = std::uint16_t;

struct Ensure {  // checks on an output once it is made
  bool non_empty = false;
  bool has_function = false;            // which answers the checksum
  std::string sha256{}, sha1{}, md5{};  // hexadecimal; empty: not checked
};

constexpr std::uint32_t kNoRule = 0xffffffffu;

// One file name, with wildcards where it is a pattern.
struct Item {
  std::string pattern;
  FileFlags flags = 0;
  std::uint32_t made_by = kNoRule;  // the rule that an input names as its producer, as `rules.x.output` does
  std::shared_ptr<const Ensure> ensure{};  // null: no checks; shared, since a list may have a million items
};

// One argument of input:, output: or log:. A function may answer with several of these.
struct Entry {
  std::string name{};    // empty: positional
  bool is_list = false;  // the name stands for all items, not for one
  bool is_function = false;
  bool waits = false;    // the function waits for a checkpoint; the one item is what that job makes
  bool is_open = false;  // these are the items of a queue so far; more may come
  int line = 0;
  std::vector<Item> items{};  // empty for a function
};

// Why a function has not answered.
struct ParamFailure {
  Error error;
  bool misses_file = false;  // one that may be made later
};

struct Param {
  std::string name{};
  std::string text{};  // equal values have equal text
  bool has_wildcards = false;
  bool is_function = false;
  int line = 0;
  std::shared_ptr<const ParamFailure> failure{};  // null: it has a value
  // Not a param itself, but what param number `stands_for` is when fixed numbers stand for threads and resources
  // that files decide; -1: a param. These come last.
  int stands_for = -1;
};

struct FunctionValue {
  int line = 0;
};
using ResourceValue = std::variant<std::int64_t, std::string, FunctionValue>;

enum class RuleKind : std::uint8_t { kNone, kShell, kRun, kScript };

struct Rule {
  std::string name;
  std::string file;
  int line = 0;
  RuleKind kind = RuleKind::kNone;
  bool is_checkpoint = false;
  bool is_local = false;
  bool has_message = false;
  bool is_reported = false;  // report(...) may flag files of its
  // Whether the command of one job stands for those of all: none can fail to be filled in where another does not.
  bool is_uniform = false;
  std::string docstring{};
  std::string group{};  // empty: none; may have wildcards
  bool has_group_function = false;
  std::vector<Entry> input{}, output{}, log{}, benchmark{};
  std::vector<Param> params{};
  std::map<std::string, std::string> constraints{};  // its own and the workflow's, its own first
  ResourceValue threads = std::int64_t{1};
  std::vector<std::pair<std::string, ResourceValue>> resources{};
  int priority = 0;
  bool has_priority_function = false;
  std::optional<int> retries{};
  int repeats = 1;        // how often a job runs to be measured
  std::string shadow{};   // empty: none; minimal, shallow, full, copy-minimal
  std::string code{};     // text that identifies the code
  std::string script{};   // absolute path; empty: none
  std::string not_yet{};  // why its jobs cannot be run; empty: they can
  // The software environment that an option has turned on for its jobs.
  deploy::Environment environment{};
  bool has_environment_function = false;  // or wildcards: it depends on the job
};

// Everything that loading a Snakefile yields.
struct Snakefile {
  std::vector<Rule> rules;
  std::vector<std::vector<std::string>> rule_order;  // one list for each ruleorder statement, best rule first
  std::string default_target{};                      // empty: the first rule
  std::string workdir{};                             // absolute; empty: the current directory
  std::vector<std::string> files{};
  std::map<std::string, std::string> resource_scopes{};  // "local" or "global", by resource
  std::map<std::string, std::int64_t> limits{};          // of resources, as the Snakefile sets them
  std::vector<std::string> config_files{};               // as they were named, from the working directory
  std::vector<std::string> envvars{};  // names of variables whose values are not to be shown
  bool has_onstart = false, has_onsuccess = false, has_onerror = false;
};

}  // namespace furrow::workflow
