#include "store/event_journal.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <utility>

#include "os/files/files.hpp"
#include "os/files/write_all.hpp"
#include "store/blocks.hpp"
#include "store/byte_fields.hpp"
#include "store/event_format.hpp"
#include "store/run_mark.hpp"

namespace furrow::store {

namespace {

// A block is written when it has so many bytes, even if a write is not due.
constexpr std::size_t kLargeBlock = 1 << 16;
// Of the journals of runs that have ended, the newest so many stay, unless they are larger together.
constexpr std::size_t kMostRuns = 20;
constexpr std::int64_t kMostBytes = 64 << 20;
constexpr std::size_t kLongestText = 2000;
constexpr std::string_view kSuffix = ".events";
constexpr const char* kFolder = "/runs";

using Entry = EventEntry;

std::string beginning_of(Entry entry) { return std::string(1, static_cast<char>(entry)); }

// "20260131T090500.123Z-RUN.events": the names are in the order of the times.
std::string name_of(const RunFacts& facts) {
  const auto second = static_cast<std::time_t>(facts.began_at);
  const int ms = static_cast<int>((facts.began_at - static_cast<double>(second)) * 1000);
  return fmt::format("{:%Y%m%dT%H%M%S}.{:03}Z-{}{}", fmt::gmtime(second), ms, facts.run, kSuffix);
}

std::string run_of(const std::string& name) {
  const std::size_t at = name.rfind('-');
  return at == std::string::npos ? "" : name.substr(at + 1, name.size() - at - 1 - kSuffix.size());
}

// The lock of an engine goes when the engine has left, and its text names the process. Without flock, files with a number
// stand for it.
bool may_live(const std::string& place, const std::vector<os::DirectoryEntry>& engines,
              const std::string& run) {
  const std::string name = run + ".lock";
  RunMark mark;
  for (const os::DirectoryEntry& entry : engines) {
    if (!entry.name.starts_with(name)) continue;
    const auto text = os::read_file(place + "/" + entry.name);
    if (text && !text->empty()) mark = RunMark::from(*text);
  }
  return mark.pid != 0 && mark.is_alive();
}

// So that a workflow that runs every minute does not fill the disk.
void remove_old(const std::string& folder) {
  std::vector<JournaledRun> runs = journaled_runs(folder);
  std::int64_t bytes = 0;
  std::size_t kept = 0;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    bytes += os::status(run->path).size;
    if (++kept <= kMostRuns && bytes <= kMostBytes) continue;
    if (!run->may_live) ::unlink(run->path.c_str());
  }
}

}  // namespace

// ---- writing

Result<std::unique_ptr<EventJournalWriter>> EventJournalWriter::create(const std::string& folder,
                                                                       const RunFacts& facts) {
  FURROW_TRY(os::make_directories(folder + kFolder));
  remove_old(folder);
  const std::string path = folder + kFolder + "/" + name_of(facts);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return fail(system_error("cannot write " + path));
  std::unique_ptr<EventJournalWriter> writer(new EventJournalWriter(fd));
  writer->on_run(facts);
  return writer;
}

void EventJournalWriter::on_run(const RunFacts& facts) {
  std::string body;
  append_number(body, kEventVersion);
  append_number(body, facts.began_at);
  append_number(body, facts.cores);
  for (const std::string* text :
       {&facts.run, &facts.mark, &facts.host, &facts.user, &facts.version, &facts.executor})
    append_text(body, *text);
  write_block(kHeadBlock, body);
}

void EventJournalWriter::on_workflow(std::string_view facts) {
  write();
  write_block(kWorkflowBlock, facts);
}

void EventJournalWriter::write_block(std::uint32_t kind, std::string_view body) {
  if (is_broken_) return;
  std::string block;
  append_block(block, kind, body);
  is_broken_ = !os::write_all(file_.get(), block);
}

std::uint32_t EventJournalWriter::number_of(std::string_view text) {
  const auto [place, is_new] =
      texts_.try_emplace(std::string(text), static_cast<std::uint32_t>(texts_.size()));
  if (is_new) {
    std::string entry = beginning_of(Entry::kText);
    append_text(entry, text);
    add(entry);
  }
  return place->second;
}

void EventJournalWriter::add(std::string_view bytes) {
  if (is_broken_) return;
  events_.append(bytes);
  if (events_.size() >= kLargeBlock) write();
}

void EventJournalWriter::on_plan(const std::vector<RulePlan>& rules) {
  for (const RulePlan& rule : rules) {
    const std::uint32_t name = number_of(rule.rule);
    std::string entry = beginning_of(Entry::kPlan);
    append_number(entry, name);
    append_number(entry, rule.due);
    append_number(entry, rule.up_to_date);
    add(entry);
  }
}

void EventJournalWriter::on_total(std::uint64_t due) {
  std::string entry = beginning_of(Entry::kTotal);
  append_number(entry, due);
  add(entry);
}

void EventJournalWriter::on_start(const JobStart& start) {
  const std::uint32_t rule = number_of(start.rule), reason = number_of(start.reason);
  std::string entry = beginning_of(Entry::kStart);
  append_number(entry, start.job);
  append_number(entry, static_cast<std::int32_t>(start.attempt));
  append_number(entry, static_cast<std::int32_t>(start.threads));
  append_number(entry, start.at);
  append_number(entry, rule);
  append_number(entry, reason);
  append_text(entry, start.wildcards);
  append_text(entry, start.key);
  append_text(entry, start.logs);
  add(entry);
}

void EventJournalWriter::on_place(const JobPlace& place) {
  const std::uint32_t host = number_of(place.host);
  std::string entry = beginning_of(Entry::kPlace);
  append_number(entry, place.job);
  append_number(entry, host);
  add(entry);
}

void EventJournalWriter::on_end(const JobEnd& end) {
  std::string entry = beginning_of(Entry::kEnd);
  append_number(entry, end.job);
  append_number(entry, static_cast<std::int32_t>(end.attempt));
  append_number(entry, static_cast<std::uint8_t>(end.state));
  append_number(entry, static_cast<std::uint8_t>(end.will_retry));
  for (const double number : {end.at, end.started_at, end.wall_s, end.user_s, end.system_s})
    append_number(entry, number);
  append_number(entry, end.max_rss_kb);
  append_number(entry, static_cast<std::int32_t>(end.status));
  append_number(entry, static_cast<std::int32_t>(end.signal));
  append_text(entry, end.error.substr(0, kLongestText));
  append_text(entry, end.output.substr(end.output.size() - std::min(end.output.size(), kLongestText)));
  add(entry);
}

void EventJournalWriter::on_skipped(std::uint64_t jobs) {
  std::string entry = beginning_of(Entry::kSkipped);
  append_number(entry, jobs);
  add(entry);
}

void EventJournalWriter::on_stopping(int signal, double at) {
  std::string entry = beginning_of(Entry::kStopping);
  append_number(entry, static_cast<std::int32_t>(signal));
  append_number(entry, at);
  add(entry);
}

void EventJournalWriter::on_finish(int code, double at) {
  std::string entry = beginning_of(Entry::kFinish);
  append_number(entry, static_cast<std::int32_t>(code));
  append_number(entry, at);
  add(entry);
}

void EventJournalWriter::write() {
  if (events_.empty()) return;
  write_block(kEventsBlock, events_);
  events_.clear();
}

// ---- the runs

std::vector<JournaledRun> journaled_runs(const std::string& folder) {
  std::vector<JournaledRun> runs;
  const std::string place = folder + kFolder;
  const auto entries = os::list_directory(place);
  if (!entries) return runs;
  const std::string engines = folder + "/engines";
  const auto locks = os::list_directory(engines).value_or(std::vector<os::DirectoryEntry>());
  for (const os::DirectoryEntry& entry : *entries) {
    if (!entry.name.ends_with(kSuffix)) continue;
    std::string run = run_of(entry.name);
    const bool lives = may_live(engines, locks, run);
    runs.push_back({place + "/" + entry.name, std::move(run), lives});
  }
  return runs;
}

}  // namespace furrow::store
