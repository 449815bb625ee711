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

TaskScope::TaskScope(int of_worker, std::uint64_t with_seed, std::uint64_t of_number,
                     TaskHost* with_host) noexcept
    : worker(of_worker), seed(with_seed), number(of_number), host(with_host), outer(innermost) {
  innermost = this;
}

TaskScope::~TaskScope() {
  innermost = outer;
  delete rng;
}

TaskScope* current_scope() noexcept { return innermost; }
TaskScope* switch_scope(TaskScope* scope) noexcept { return std::exchange(innermost, scope); }

}  // namespace detail

bool in_task() noexcept { return innermost != nullptr; }

std::uint64_t task_index() { return static_cast<std::uint64_t>(scope_for("task_index()").current()); }

bool task_stop_requested() noexcept {
  for (detail::TaskScope* scope = innermost; scope; scope = scope->outer)
    if (scope->host && scope->host->stop_requested(*scope)) return true;
  return false;
}

int worker_index() { return scope_for("worker_index()").worker; }

Philox& task_rng() {
  detail::TaskScope& scope = scope_for("task_rng()");
  const detail::ItemIndex item = scope.current();
  if (!scope.rng || scope.rng_item != item) {
    const Philox fresh(scope.seed, scope.number, static_cast<std::uint64_t>(item));
    if (scope.rng)
      *scope.rng = fresh;
    else
      scope.rng = new Philox(fresh);
    scope.rng_item = item;
  }
  return *scope.rng;
}

}  // namespace FURROW_NAMESPACE

namespace furrow::pool {

std::uint64_t number_in(detail::TaskScope& task) noexcept {
  const detail::ItemIndex item = task.current();
  if (task.numbered_item != item) {
    task.numbered_item = item;
    task.numbered = 0;
  }
  // A weighted sum, of which SplitMix64's last step makes a number that looks random.
  std::uint64_t sum = task.number * 0x9e3779b97f4a7c15 +
                      static_cast<std::uint64_t>(item) * 0xd1b54a32d192ed03 +
                      ++task.numbered * 0x8cb92ba72f3d8dd7;
  sum = (sum ^ sum >> 30) * 0xbf58476d1ce4e5b9;
  sum = (sum ^ sum >> 27) * 0x94d049bb133111eb;
  return (sum ^ sum >> 31) | std::uint64_t{1} << 63;
}

}  // namespace furrow::pool
