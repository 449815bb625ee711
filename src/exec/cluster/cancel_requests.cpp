#include "exec/cluster/cancel_requests.hpp"

#include <utility>

#include "base/log.hpp"

namespace furrow::exec {

CancelRequests::CancelRequests(BatchSystem& system, std::function<void()> on_answered)
    : system_(system), on_answered_(std::move(on_answered)) {}

void CancelRequests::cancel(const std::vector<std::string>& names, bool at_once) {
  std::vector<std::string> all = std::exchange(needless_, {});
  all.insert(all.end(), names.begin(), names.end());
  if (all.empty()) return;
  FURROW_LOG(cluster, info, "{} cancels {} batches{}", system_.name(), all.size(), at_once ? " at once" : "");
  ++in_flight_;
  system_.cancel(all, at_once, [this] {
    if (in_flight_ > 0 && --in_flight_ == 0) on_answered_();
  });
}

}  // namespace furrow::exec
