#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "os/files/descriptor.hpp"
#include "store/blocks.hpp"
#include "store/byte_fields.hpp"
#include "store/event_format.hpp"
#include "store/event_journal.hpp"

namespace furrow::store {

namespace {

using Entry = EventEntry;

constexpr std::size_t kReadBytes = 1 << 20;

Error damaged(const std::string& path) {
  return Error{"the journal " + path + " is damaged", "", 0,
               "Remove it: no run relies on it, and reports do without it."};
}

}  // namespace

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
    if (kind == kWorkflowBlock) events.on_workflow(body);
    return kind == kEventsBlock ? take_events(body, events) : Result<void>();
  }
  FieldReader reader(body);
  const auto version = reader.number<std::uint32_t>();
  if (kind != kHeadBlock) return fail(damaged(path_));
  if (version > kEventVersion)
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
      case Entry::kPlace: {
        const auto job = reader.number<std::uint32_t>();
        events.on_place({.job = job, .host = text_of(reader.number<std::uint32_t>())});
        break;
      }
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

}  // namespace furrow::store
