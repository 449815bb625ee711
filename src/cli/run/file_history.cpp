#include "cli/run/file_history.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "base/printable.hpp"
#include "base/strings.hpp"
#include "os/files/files.hpp"
#include "workflow/dag/graph_view.hpp"
#include "workflow/dag/identity.hpp"

namespace furrow::cli {

namespace {

// A job that collects a thousand files would hide what is around it.
constexpr std::size_t kMostInputs = 100;
constexpr int kDeepestIndent = 20;

std::string date_text(double at) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(at)));
}

class FileHistory {
 public:
  explicit FileHistory(WorkflowSession& session) : session_(session) {}

  Result<std::string> of(const std::string& file) {
    left_.push_back({.path = file});
    while (!left_.empty()) {
      const Step step = std::move(left_.back());
      left_.pop_back();
      FURROW_TRY(add(step));
    }
    return std::move(text_);
  }

 private:
  struct Step {
    std::string path{};
    int depth = 0;
    std::size_t more = 0;  // not a file, but so many that are left out
    // As the job that used the file has recorded it.
    bool has_changed = false;
  };

  void line(const Step& step, const std::string& text) {
    text_.append(static_cast<std::size_t>(4 + 2 * std::min(step.depth, kDeepestIndent)), ' ');
    text_ += text + "\n";
  }

  Result<void> add(const Step& step) {
    if (step.more > 0) return line(step, fmt::format("and {} more", step.more)), Result<void>();
    std::string text = one_line(step.path) + ": ";
    const std::string note = step.has_changed ? "; it has changed since it was used here" : "";
    if (!seen_.insert(step.path).second) return line(step, text + "see above" + note), Result<void>();
    const workflow::FileId file = session_.dag().files.intern(step.path);
    const workflow::NodeId node = session_.dag().producer(file);
    if (node == workflow::kNoNode) return line(step, text + source(step.path) + note), Result<void>();
    const auto record =
        FURROW_TRY(session_.store()->find(workflow::record_key(session_.dag(), session_.rules(), node)));
    line(step, text + making(node, record) + note);
    if (record && !record->inputs.empty()) {
      add_inputs(step.depth + 1, *record);
    } else {
      add_inputs(step.depth + 1, node);
    }
    return {};
  }

  static std::string source(const std::string& path) {
    const os::FileStatus status = os::status(path);
    if (!status.exists()) return "no rule makes it, and it is missing";
    const std::string when = date_text(static_cast<double>(status.mtime_ns) * 1e-9);
    if (status.kind == os::FileStatus::Kind::kDirectory) return "a folder that no rule makes, of " + when;
    return fmt::format("no rule makes it; {} bytes of {}", status.size, when);
  }

  std::string making(workflow::NodeId node, const std::optional<store::JobRecord>& record) {
    const workflow::CompiledRule& rule = session_.rules()[session_.dag().node(node).rule];
    const std::string wildcards =
        one_line(workflow::show_wildcards(rule, session_.dag().values(node, session_.rules())));
    std::string text = "rule " + rule.rule.name + (wildcards.empty() ? "" : " (" + wildcards + ")");
    if (!record) return text + ", of whose run nothing is recorded";
    switch (record->phase) {
      case store::JobPhase::kStarted:
        return text + " was started, but did not end";
      case store::JobPhase::kFailed:
        text += " failed";
        break;
      case store::JobPhase::kFinished:
        text += " made it";
        break;
    }
    text += " on " + date_text(record->finished_at) + " in " +
            human_duration(std::max(0.0, record->finished_at - record->started_at)) + " on " + record->host;
    return session_.staleness().must_run(node) ? text + "; it must run again" : text;
  }

  // In the order of the record; what is pushed last comes first.
  void add_inputs(int depth, const store::JobRecord& record) {
    const std::size_t count = std::min(record.inputs.size(), kMostInputs);
    if (count < record.inputs.size()) left_.push_back({.depth = depth, .more = record.inputs.size() - count});
    for (std::size_t i = count; i-- > 0;) {
      const store::FileStamp& input = record.inputs[i];
      const os::FileStatus now = os::status(input.path);
      const bool is_known = input.mtime_ns != 0 || input.size != 0;
      const bool has_changed =
          is_known && now.kind == os::FileStatus::Kind::kFile &&
          (now.size != input.size || !store::is_same_time(input.mtime_ns, now.newest_ns()));
      left_.push_back({.path = input.path, .depth = depth, .has_changed = has_changed});
    }
  }

  void add_inputs(int depth, workflow::NodeId node) {
    const auto inputs = session_.dag().inputs(node);
    const std::size_t count = std::min<std::size_t>(inputs.size(), kMostInputs);
    if (count < inputs.size()) left_.push_back({.depth = depth, .more = inputs.size() - count});
    for (std::size_t i = count; i-- > 0;)
      left_.push_back({.path = std::string(session_.dag().files.view(inputs[i])), .depth = depth});
  }

  WorkflowSession& session_;
  std::vector<Step> left_;
  std::unordered_set<std::string> seen_;
  std::string text_;
};

}  // namespace

Result<std::string> history_of(WorkflowSession& session, const std::string& file) {
  if (!session.store()) return std::string();
  return FileHistory(session).of(file);
}

}  // namespace furrow::cli
