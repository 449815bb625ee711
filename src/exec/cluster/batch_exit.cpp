#include "exec/cluster/batch_exit.hpp"

#include <fmt/format.h>

#include <cstring>

#include "os/events/clock.hpp"

namespace furrow::exec {

namespace {

std::string how_it_ended(const plan::Exit& exit) {
  if (exit.timed_out) return "the job took too long";
  if (!exit.error.empty()) return exit.error;
  if (exit.signal != 0) return fmt::format("ended by signal {} ({})", exit.signal, ::strsignal(exit.signal));
  if (exit.status > 128 && exit.status <= 192)
    return fmt::format("exit code {}: a program in it was ended by signal {} ({})", exit.status,
                       exit.status - 128, ::strsignal(exit.status - 128));
  return fmt::format("exit code {}", exit.status);
}

}  // namespace

bool is_doubtful(const plan::Exit& exit) {
  return exit.cancelled || exit.signal != 0 || exit.status > 128 || (exit.status < 0 && exit.error.empty());
}

void explain_failure(plan::Exit& exit, const SubmittedBatch& batch, const char* system) {
  const std::string reason = is_doubtful(exit) ? reason_of(batch) : std::string();
  if (exit.cancelled && exit.error.empty() && exit.signal == 0 && exit.status == 0) exit.status = -1;
  exit.error = fmt::format("{}{}, in {}", reason.empty() ? "" : reason + ": ", how_it_ended(exit),
                           describe(batch, system));
  if (has_log(batch)) exit.error += "\nlog of the batch: " + batch.log;
  exit.cancelled = false;
}

plan::Exit exit_of_lost(const SubmittedBatch& batch, const std::string& why, const char* system) {
  const std::string reason = reason_of(batch);
  plan::Exit exit{.status = -1, .started_at = os::wall_seconds()};
  exit.error = fmt::format("{}{}: {} {}", reason.empty() ? "" : reason + ": ", "the batch is gone",
                           describe(batch, system), why);
  if (has_log(batch)) exit.error += "\nlog: " + batch.log + log_tail(batch);
  return exit;
}

}  // namespace furrow::exec
