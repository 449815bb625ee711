#include "command/halt.hpp"

#include <algorithm>
#include <cmath>

namespace furrow::command {

namespace {

constexpr std::uint64_t kMostFailed = 101;  // as an exit code, it means 101 or more
constexpr int kSignalled = 128;

using When = HaltRule::When;
using Why = HaltRule::Why;

}  // namespace

bool HaltPolicy::counts(bool ok) const {
  switch (rule_.why) {
    case Why::kFail:
      return !ok;
    case Why::kSuccess:
      return ok;
    case Why::kDone:
      return true;
  }
  return false;
}

const char* HaltPolicy::speaks_of(bool ok) const {
  if (rule_.when == When::kNever || !counts(ok)) return nullptr;
  return rule_.why == Why::kDone ? "finished" : ok ? "succeeded" : "failed";
}

double HaltPolicy::limit() const {
  return rule_.percent ? static_cast<double>(total_) * rule_.limit / 100 : rule_.limit;
}

int HaltPolicy::percent_of(std::uint64_t jobs) const {
  if (jobs == 0) jobs = 1;
  return static_cast<int>(std::ceil(static_cast<double>(failed_) / static_cast<double>(jobs) * 100));
}

When HaltPolicy::ended(bool ok, int status, int signal) {
  ++done_;
  failed_ += !ok;
  if (rule_.when == When::kNever || !counts(ok)) return When::kNever;
  const std::uint64_t reached = rule_.why == Why::kFail      ? failed_
                                : rule_.why == Why::kSuccess ? done_ - failed_
                                                             : done_;
  if (static_cast<double>(reached) < limit()) return When::kNever;
  if (exit_code_) return rule_.when;
  if (rule_.why == Why::kSuccess) {
    exit_code_ = 0;
  } else if (limit() == 1) {
    exit_code_ = status != 0 ? status & 0xff : signal != 0 ? kSignalled + signal : 0;
  } else if (rule_.percent) {
    exit_code_ = percent_of(total_);
  } else {
    exit_code_ = static_cast<int>(std::min(failed_, kMostFailed));
  }
  return rule_.when;
}

int HaltPolicy::exit_code() const {
  if (exit_code_) return *exit_code_;
  if (rule_.when != When::kNever && rule_.percent) return percent_of(started_);
  return static_cast<int>(std::min(failed_, kMostFailed));
}

}  // namespace furrow::command
