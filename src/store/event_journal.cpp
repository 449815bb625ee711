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
#include "store/run_mark.hpp"

namespace furrow::store {

namespace {

constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kHeadBlock = 1, kEventsBlock = 2;
// A block is written when it has so many bytes, even if a write is not due.
constexpr std::size_t kLargeBlock = 1 << 16;
constexpr std::size_t kReadBytes = 1 << 20;
// Of the journals of runs that have ended, the newest so many stay, unless they are larger together.
constexpr std::size_t kMostRuns = 20;
constexpr std::int64_t kMostBytes = 64 << 20;
constexpr std::size_t kLongestText = 2000;
constexpr std::string_view kSuffix = ".events";
constexpr const char* kFolder = "/runs";

enum class Entry : std::uint8_t {
  kText = 1,  // its number is that of the texts before it
  kPlan = 2,
  kTotal = 3,
  kStart = 4,
  kEnd = 5,
  kSkipped = 6,
  kStopping = 7,
  kFinish = 8,
};

std::string beginning_of(Entry entry) { return std::string(1, static_cast<char>(entry)); }

Error damaged(const std::string& path) {
  return Error{"the journal " + path + " is damaged", "", 0,
               "Remove it: no run relies on it, and reports do without it."};
}

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
  append_number(body, kVersion);
  append_number(body, facts.began_at);
  append_number(body, facts.cores);
  for (const std::string* text :
       {&facts.run, &facts.mark, &facts.host, &facts.user, &facts.version, &facts.executor})
    append_text(body, *text);
  std::string block;
  append_block(block, kHeadBlock, body);
  is_broken_ |= !os::write_all(file_.get(), block);
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
  if (events_.empty() || is_broken_) return;
  std::string block;
  append_block(block, kEventsBlock, events_);
  events_.clear();
  is_broken_ = !os::write_all(file_.get(), block);
}

// ---- reading

Result<void> EventJournalReader::read(RunEvents& events) {
  const os::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(system_error("cannot read " + path_));
  std::string buffer(kReadBytes, '\0');
  for (;;) {
    const ssize_t n = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("cannot read " + path_));
    if (n == 0) return {};
    offset_ += static_cast<std::size_t>(n);
    left_.append(buffer, 0, static_cast<std::size_t>(n));
    Result<void> taken;
    const BlocksRead blocks = read_blocks(left_, [&](std::uint32_t kind, std::string_view body) {
      if (taken) taken = take_block(kind, body, events);
    });
    if (!taken) return taken;
    if (blocks.is_damaged) return fail(damaged(path_));
    left_.erase(0, blocks.bytes);
  }
}

Result<void> EventJournalReader::take_block(std::uint32_t kind, std::string_view body, RunEvents& events) {
  if (std::exchange(is_begun_, true)) {
    // A later program may add kinds of blocks that this one need not know.
    return kind == kEventsBlock ? take_events(body, events) : Result<void>();
  }
  FieldReader reader(body);
  const auto version = reader.number<std::uint32_t>();
  if (kind != kHeadBlock) return fail(damaged(path_));
  if (version > kVersion)
    return fail(
        Error{"the journal " + path_ + " was written by a newer furrow", "", 0, "Use the newer program."});
  RunFacts facts;
  facts.began_at = reader.number<double>();
  facts.cores = reader.number<std::int64_t>();
  for (std::string* text :
       {&facts.run, &facts.mark, &facts.host, &facts.user, &facts.version, &facts.executor})
    *text = reader.text();
  if (!reader.is_whole()) return fail(damaged(path_));
  events.on_run(facts);
  return {};
}

Result<void> EventJournalReader::take_events(std::string_view body, RunEvents& events) {
  FieldReader reader(body);
  const auto text_of = [&](std::uint32_t number) {
    return number < texts_.size() ? std::string_view(texts_[number]) : std::string_view();
  };
  const auto take_start = [&] {
    JobStart start;
    start.job = reader.number<std::uint32_t>();
    start.attempt = reader.number<std::int32_t>();
    start.threads = reader.number<std::int32_t>();
    start.at = reader.number<double>();
    start.rule = text_of(reader.number<std::uint32_t>());
    start.reason = text_of(reader.number<std::uint32_t>());
    start.wildcards = reader.text();
    start.key = reader.text();
    start.logs = reader.text();
    if (reader.is_whole()) events.on_start(start);
  };
  const auto take_end = [&] {
    JobEnd end;
    end.job = reader.number<std::uint32_t>();
    end.attempt = reader.number<std::int32_t>();
    end.state = static_cast<JobEnd::State>(reader.number<std::uint8_t>());
    end.will_retry = reader.number<std::uint8_t>() != 0;
    for (double* number : {&end.at, &end.started_at, &end.wall_s, &end.user_s, &end.system_s})
      *number = reader.number<double>();
    end.max_rss_kb = reader.number<std::int64_t>();
    end.status = reader.number<std::int32_t>();
    end.signal = reader.number<std::int32_t>();
    end.error = reader.text();
    end.output = reader.text();
    if (reader.is_whole()) events.on_end(end);
  };
  std::vector<RulePlan> plan;
  while (!reader.left().empty()) {
    const auto entry = static_cast<Entry>(reader.number<std::uint8_t>());
    if (entry != Entry::kPlan && entry != Entry::kText && !plan.empty())
      events.on_plan(std::exchange(plan, {}));
    switch (entry) {
      case Entry::kText:
        texts_.emplace_back(reader.text());
        break;
      case Entry::kPlan: {
        RulePlan rule;
        rule.rule = text_of(reader.number<std::uint32_t>());
        rule.due = reader.number<std::uint64_t>();
        rule.up_to_date = reader.number<std::uint64_t>();
        plan.push_back(std::move(rule));
        break;
      }
      case Entry::kTotal:
        events.on_total(reader.number<std::uint64_t>());
        break;
      case Entry::kStart:
        take_start();
        break;
      case Entry::kEnd:
        take_end();
        break;
      case Entry::kSkipped:
        events.on_skipped(reader.number<std::uint64_t>());
        break;
      case Entry::kStopping: {
        const int signal = reader.number<std::int32_t>();
        events.on_stopping(signal, reader.number<double>());
        break;
      }
      case Entry::kFinish: {
        const int code = reader.number<std::int32_t>();
        events.on_finish(code, reader.number<double>());
        break;
      }
      default:
        return fail(damaged(path_));
    }
    if (!reader.is_whole()) return fail(damaged(path_));
  }
  if (!plan.empty()) events.on_plan(plan);
  return {};
}

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
