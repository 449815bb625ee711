#include "pool/workers/worker_host.hpp"

#include "pool/task/failure.hpp"
#include "pool/task/task_scope.hpp"

namespace furrow::pool {

detail::AfterFailure WorkerHost::failed(detail::TaskScope& scope, std::uint64_t index) {
  const bool while_encoding = outbox_.is_open();
  outbox_.drop();
  const auto item = static_cast<std::uint64_t>(scope.current());
  const int attempts = scope.count_failure(index == tried_index_ ? tried_attempts_ : 0);
  slot_.attempts.store(static_cast<std::uint32_t>(attempts), std::memory_order_relaxed);
  slot_.failed_item.store(item, std::memory_order_relaxed);
  stopped_at_ = index;
  const bool again = attempts <= retries;
  if (again) return in_place_ ? detail::AfterFailure::kStop : detail::AfterFailure::kAgain;

  Failure failure = current_failure();
  failure.original = nullptr;
  failure.index = item;
  failure.attempts = attempts;
  if (while_encoding && failure.kind == FailureKind::kException) {
    failure.kind = FailureKind::kLost;
    failure.message = "its result could not be sent: " + failure.message;
  }
  if (!in_place_) {
    outbox_.send_failure(index, failure);
    return detail::AfterFailure::kNext;
  }
  failure_ = std::move(failure);
  return detail::AfterFailure::kStop;
}

}  // namespace furrow::pool
