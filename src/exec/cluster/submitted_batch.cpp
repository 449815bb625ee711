#include "exec/cluster/submitted_batch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.hpp"
#include "os/files/files.hpp"

namespace furrow::exec {

namespace {

constexpr std::size_t kLogLooked = 16384;
constexpr std::size_t kLogLines = 10;

std::string end_of_log(const SubmittedBatch& batch) {
  if (batch.log.empty()) return {};
  (void)os::list_directory(os::parent_of(batch.log));  // makes a network file system look again
  auto text = os::read_file(batch.log);
  if (!text) return {};
  return text->size() > kLogLooked ? text->substr(text->size() - kLogLooked) : *text;
}

}  // namespace

bool SubmittedBatch::is_open() const {
  return std::any_of(entries.begin(), entries.end(),
                     [](const SubmittedJob& entry) { return !entry.end && !entry.is_lost; });
}

bool SubmittedBatch::is_holding() const {
  return std::any_of(entries.begin(), entries.end(),
                     [](const SubmittedJob& entry) { return entry.job && entry.end; });
}

bool SubmittedBatch::is_wanted() const {
  return std::any_of(entries.begin(), entries.end(),
                     [](const SubmittedJob& entry) { return entry.job != nullptr; });
}

bool SubmittedBatch::is_monitored() const { return is_wanted() || (is_group && !is_over && is_open()); }

bool SubmittedBatch::was_ended_by(BatchState::EndedBy who) const {
  return state && state->phase == BatchState::Phase::kEnded && state->ended_by == who;
}

bool SubmittedBatch::withdraw() {
  const auto taken = folder.claim(index, "withdrawn");
  if (!taken || !*taken) return false;
  is_over = true;
  for (SubmittedJob& entry : entries) entry.is_lost = !entry.end;
  return true;
}

std::string describe(const SubmittedBatch& batch, const char* system) {
  const std::string name = batch.name.empty() ? "of " + batch.folder.id() : batch.name;
  const std::string host = !batch.host.empty()                         ? batch.host
                           : batch.state && !batch.state->node.empty() ? batch.state->node
                                                                       : std::string();
  return fmt::format("{} job {}{}", system, name, host.empty() ? "" : " on " + host);
}

std::string reason_of(const SubmittedBatch& batch) {
  const std::string state =
      batch.state && batch.state->phase == BatchState::Phase::kEnded ? batch.state->reason : "";
  if (state == "OUT_OF_MEMORY" || state == "TIMEOUT" || state == "NODE_FAIL") return state;
  const std::string log = end_of_log(batch);
  for (const char* sign : {"oom-kill", "oom_kill", "exceeded memory limit", "Exceeded job memory limit"}) {
    if (log.find(sign) != std::string::npos) return "OUT_OF_MEMORY";
  }
  if (log.find("DUE TO TIME LIMIT") != std::string::npos) return "TIMEOUT";
  if (log.find("DUE TO NODE FAILURE") != std::string::npos) return "NODE_FAIL";
  return state == "COMPLETED" ? std::string() : state;
}

bool has_log(const SubmittedBatch& batch) { return !batch.log.empty() && os::status(batch.log).exists(); }

std::string log_tail(const SubmittedBatch& batch) {
  const std::vector<std::string> lines = split(end_of_log(batch), '\n');
  std::string text;
  for (std::size_t i = lines.size() > kLogLines ? lines.size() - kLogLines : 0; i < lines.size(); ++i) {
    if (!lines[i].empty()) text += "\n  | " + lines[i];
  }
  return text;
}

}  // namespace furrow::exec
