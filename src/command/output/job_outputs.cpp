#include "command/output/job_outputs.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/hash.hpp"
#include "os/events/clock.hpp"
#include "os/files/files.hpp"

namespace furrow::command {

namespace {

constexpr std::size_t kLongestPath = 4096;
// What took longer than this is worth a look at its bytes, so that a power cut does not cost it.
constexpr double kLong_s = 1;
constexpr std::int64_t kHashLimit = 1 << 20;  // in bytes

store::FileStamp stamp_of(const std::string& path, const os::FileStatus& status) {
  return {.path = path, .mtime_ns = status.mtime_ns, .size = status.size};
}

// The values that are names of files, in order.
std::vector<store::FileStamp> inputs_of(const MapJob& job) {
  std::vector<store::FileStamp> inputs;
  for (std::size_t i = 0; i < job.values.size(); ++i) {
    const std::string_view value = job.values[i];
    if (value.empty() || value.size() > kLongestPath || value.find('\0') != std::string_view::npos) continue;
    const std::string path(value);
    if (const os::FileStatus status = os::status(path); status.exists())
      inputs.push_back(stamp_of(path, status));
  }
  std::sort(inputs.begin(), inputs.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return inputs;
}

bool is_as_recorded(const store::FileStamp& stamp, bool was_durable) {
  const os::FileStatus now = os::status(stamp.path);
  const bool is_file = now.kind == os::FileStatus::Kind::kFile;
  if (is_file && now.size != stamp.size) return false;
  if (was_durable && store::is_same_time(stamp.mtime_ns, now.mtime_ns)) return true;
  return is_file &&
         (stamp.size == 0 || (stamp.content != 0 && os::hash_file(stamp.path).value_or(0) == stamp.content));
}

}  // namespace

// After a power cut, and if records are lost, times say nothing.
bool JobOutputs::is_trusted(const std::string& key, const store::JobRecord* record) const {
  if (!record) return !store_.is_in_doubt(key, 0) && !store_.has_lost_records();
  // A killed run may have begun it, and the record of that may be lost.
  const bool is_in_doubt = store_.is_in_doubt(key, record->commit);
  if (!is_in_doubt && !store_.has_killed_run()) return true;
  const bool was_durable = !is_in_doubt || store_.was_durable(record->commit);
  return std::all_of(record->outputs.begin(), record->outputs.end(),
                     [&](const store::FileStamp& stamp) { return is_as_recorded(stamp, was_durable); });
}

// Does not hash the rendered command, which may contain numbers of this run.
std::uint64_t JobOutputs::identity(const MapJob& job) const {
  std::uint64_t hash = command_.identity();
  for (std::size_t i = 0; i < job.values.size(); ++i) hash = combine(hash, hash64(job.values[i]));
  return hash;
}

void JobOutputs::name(MapJob& job, const RenderContext& context) const {
  job.outputs.clear();
  for (const CommandTemplate& output : templates_) job.outputs.push_back(output.render(job.values, context));
}

Result<bool> JobOutputs::is_fresh(const MapJob& job) const {
  std::int64_t oldest = std::numeric_limits<std::int64_t>::max();
  for (const std::string& output : job.outputs) {
    const os::FileStatus status = os::status(output);
    if (!status.exists()) return false;
    oldest = std::min(oldest, status.mtime_ns);
  }
  for (const store::FileStamp& input : inputs_of(job)) {
    if (input.mtime_ns > oldest) return false;
  }
  auto found = FURROW_TRY(store_.find(job.outputs.front()));
  if (found && (found->phase != store::JobPhase::kFinished || found->params_hash != identity(job)))
    return false;
  return is_trusted(job.outputs.front(), found ? &*found : nullptr);
}

Result<void> JobOutputs::before_start(const MapJob& job) {
  for (const std::string& output : job.outputs) {
    FURROW_TRY(os::remove_tree(output));
    FURROW_TRY(os::make_parent(output));
  }
  store::JobRecord started = record(job, store::JobPhase::kStarted);
  started.started_at = os::wall_seconds();
  return put(started);
}

Result<void> JobOutputs::on_success(const MapJob& job, const plan::Exit& exit) {
  store::JobRecord done = record(job, store::JobPhase::kFinished);
  for (const std::string& output : job.outputs) {
    const os::FileStatus status = os::status(output);
    if (!status.exists()) return furrow::fail("it did not make " + output);
    done.outputs.push_back(stamp_of(output, status));
    if (exit.usage.wall_s >= kLong_s && status.kind == os::FileStatus::Kind::kFile &&
        status.size <= kHashLimit)
      done.outputs.back().content = os::hash_file(output).value_or(0);
    if (exit.usage.wall_s >= kLong_s && done.outputs.back().content == 0)
      store_.made_at_cost(exit.usage.wall_s);
    const bool is_own_place = status.is_link || status.kind == os::FileStatus::Kind::kDirectory;
    store_.made_in(is_own_place ? output : os::parent_of(output));
  }
  done.started_at = exit.started_at;
  done.finished_at = exit.started_at + exit.usage.wall_s;
  done.attempt = exit.attempt;
  done.user_s = exit.usage.user_s;
  done.system_s = exit.usage.system_s;
  done.max_rss_kb = exit.usage.max_rss_kb;
  return put(done);
}

void JobOutputs::on_failure(const MapJob& job, const plan::Exit& exit) {
  for (const std::string& output : job.outputs) (void)os::remove_tree(output);
  store::JobRecord ended = record(job, store::JobPhase::kFailed);
  ended.started_at = exit.started_at;
  ended.finished_at = exit.started_at + exit.usage.wall_s;
  ended.attempt = exit.attempt;
  ended.status = exit.status;
  ended.signal = exit.signal;
  (void)put(ended);  // commit() reports an error
}

store::JobRecord JobOutputs::record(const MapJob& job, store::JobPhase phase) const {
  store::JobRecord made;
  made.key = job.outputs.front();
  made.phase = phase;
  made.rule = command_.text();
  made.wildcards = job.values.joined(" ");
  made.inputs = inputs_of(job);
  made.params_hash = identity(job);
  made.command = job.command;
  return made;
}

Result<void> JobOutputs::put(const store::JobRecord& record) {
  if (!is_open_) {
    FURROW_TRY(store_.begin());
    is_open_ = true;
  }
  return store_.put(record);
}

Result<void> JobOutputs::commit() {
  if (!std::exchange(is_open_, false)) return {};
  return store_.commit();
}

}  // namespace furrow::command
