// The questions that the workflow asks Python, a batch at a time. The snakefile layer answers them with a
// process.
//
// Calls that return a value block until the answer arrives (planning); a call with a callback is answered
// from the event loop (running). Not thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "plan/executor.hpp"
#include "workflow/rules/rule.hpp"

namespace furrow::workflow {

using WildcardValues = std::vector<std::pair<std::string, std::string>>;

// The range that an Entry's files occupy in a job's flat list of files.
struct Shape {
  std::string name;
  std::uint32_t first = 0, end = 0;
  bool is_list = false;
};

struct InputQuestion {
  std::uint32_t rule;
  WildcardValues wildcards;
};
// The entries that each input function of the rule returned. An error concerns this job alone.
using InputAnswer = Result<std::vector<std::vector<Entry>>>;

// Everything a function of a job may see.
struct JobView {
  std::uint32_t rule = 0;
  WildcardValues wildcards;
  std::vector<std::string> input, output, log;
  std::vector<Shape> input_shape;  // empty unless the rule's input has functions
  std::string benchmark{};
  std::string directory{};  // where it will run; empty: the current directory
  std::int64_t threads = 1;
  std::vector<std::pair<std::string, ResourceValue>> resources;
  int attempt = 1;
  int repetition = -1;      // of a job that is measured, from 0; -1: it is not
  bool is_ahead = false;    // its inputs may be missing, and so may resources that depend on them
  std::int64_t number = 0;  // of the job in this run
  // Jobs that it depends on have yet to run: what a function cannot answer for that reason is unknown, and no
  // error.
  bool is_preview = false;
  // If the view stands for several jobs that are submitted as one: the group's name, and all their rules.
  std::string group{};
  std::set<std::string> rules{};
};

struct DetailQuestion {
  JobView job;
  bool threads = false, resources = false, params = false, group = false, priority = false, ensure = false,
       environment = false;
};
struct DetailAnswer {
  std::int64_t threads = 1;
  std::vector<std::pair<std::string, ResourceValue>> resources;
  std::vector<Param> params;  // as the rule asks for them, in any run; one that fails says why
  std::string group{};        // empty: none
  int priority = 0;
  std::vector<Ensure> ensure{};  // of each output
  deploy::Environment environment{};
};

struct Preparation {
  plan::Launch launch;
  std::string message;        // empty: none
  std::vector<Param> params;  // as in a DetailAnswer; empty unless one of them is a function
  std::optional<deploy::Environment> environment{};  // if it depends on the job
  std::vector<std::string> folders{};                // that a container shows to the job
};
// A user-supplied command that submits a job to a cluster, filled in; and the job as one line of JSON.
struct SubmissionWords {
  std::string command, properties;
};
using PrepareCallback = std::function<void(std::vector<Result<Preparation>>)>;

// Jobs to ask about in one message: enough to make the cost of round trips negligible, few enough to keep the
// message small.
constexpr std::size_t kEvaluatorBatch = 10'000;

class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual std::vector<InputAnswer> inputs(std::span<const InputQuestion> jobs) = 0;
  // Jobs of checkpoints have ended, which these are the first outputs of: functions no longer wait for them.
  virtual Result<void> finished(std::span<const std::string> outputs) = 0;
  // Whether queues, from which input functions take files, have some that these have not returned yet.
  virtual Result<bool> has_queue_news() { return false; }
  virtual std::vector<Result<DetailAnswer>> details(std::span<const DetailQuestion> jobs) = 0;
  // As prepare(), without side effects.
  virtual std::vector<Result<Preparation>> describe(std::span<const JobView> jobs) = 0;
  virtual void prepare(std::span<const JobView> jobs, PrepareCallback done) = 0;
  virtual std::vector<Result<SubmissionWords>> submission(std::span<const JobView> jobs,
                                                          const std::string& text) = 0;
  virtual Result<void> hook(const std::string& name, const std::string& log_path) = 0;
};

}  // namespace furrow::workflow
