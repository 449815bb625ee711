#include "pool/task/task_scope.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include "furrow/detail/async_loop.hpp"
#include "furrow/random.hpp"
#include "furrow/task.hpp"

namespace FURROW_NAMESPACE {

namespace {

thread_local detail::TaskScope* innermost = nullptr;

detail::TaskScope& scope_for(const char* what) {
  if (!innermost)
    throw std::logic_error(std::string(what) + " has a meaning only inside a task of a furrow::Pool");
  return *innermost;
}

}  // namespace

namespace detail {

TaskScope::TaskScope(const TaskOrigin& origin, TaskHost* host, PublishedItem* published) noexcept
    : origin_(origin), host_(host), outer_(innermost), published_(published ? published : &own_published_) {
  innermost = this;
}

TaskScope::~TaskScope() {
  innermost = outer_;
  delete rng_;
}

int TaskScope::count_failure(int earlier) noexcept {
  const ItemIndex item = current();
  if (failed_item_ != item) attempts_ = earlier;
  failed_item_ = item;
  forget_stream();
  return ++attempts_;
}

void TaskScope::renew(const TaskOrigin& origin) noexcept {
  origin_ = origin;
  attempts_ = 0;
  failed_item_ = kNoItem;
}

Philox& TaskScope::rng() {
  const ItemIndex item = current();
  if (rng_ && rng_item_ == item) return *rng_;
  const Philox fresh(origin_.seed, origin_.number, static_cast<std::uint64_t>(item));
  if (rng_)
    *rng_ = fresh;
  else
    rng_ = new Philox(fresh);
  rng_item_ = item;
  return *rng_;
}

std::uint64_t TaskScope::next_number() noexcept {
  const ItemIndex item = current();
  if (numbered_item_ != item) {
    numbered_item_ = item;
    numbered_ = 0;
  }
  // A weighted sum, of which SplitMix64's last step makes a number that looks random.
  std::uint64_t sum = origin_.number * 0x9e3779b97f4a7c15 +
                      static_cast<std::uint64_t>(item) * 0xd1b54a32d192ed03 +
                      ++numbered_ * 0x8cb92ba72f3d8dd7;
  sum = (sum ^ sum >> 30) * 0xbf58476d1ce4e5b9;
  sum = (sum ^ sum >> 27) * 0x94d049bb133111eb;
  return (sum ^ sum >> 31) | std::uint64_t{1} << 63;
}

TaskScope* current_scope() noexcept { return innermost; }
TaskScope* switch_scope(TaskScope* scope) noexcept { return std::exchange(innermost, scope); }

}  // namespace detail

bool in_task() noexcept { return innermost != nullptr; }

std::uint64_t task_index() { return static_cast<std::uint64_t>(scope_for("task_index()").current()); }

bool task_stop_requested() noexcept {
  for (detail::TaskScope* scope = innermost; scope; scope = scope->outer())
    if (scope->host().stop_requested(*scope)) return true;
  return false;
}

int worker_index() { return scope_for("worker_index()").origin().worker; }

Philox& task_rng() { return scope_for("task_rng()").rng(); }

}  // namespace FURROW_NAMESPACE
