// Whatever bytes a disk gives back for a journal, a record or the events of a run, reading them ends in a value, never in
// a crash; and what was written is read again as it was.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.hpp"
#include "store/blocks.hpp"
#include "store/event_journal.hpp"
#include "store/record_bytes.hpp"
#include "store/stamps.hpp"

namespace furrow::store {
namespace {

void check(bool claim) {
  if (!claim) std::abort();
}

void read_records(std::string_view bytes) {
  std::size_t left = bytes.size() + 1;
  while (const auto change = take_record(bytes)) {
    check(bytes.size() < left);  // so it ends
    left = bytes.size();
    if (change->is_erased) continue;
    // What could be read can be written, and is read as the same.
    std::string again;
    append_record(again, change->record);
    std::string_view view = again;
    const auto same = take_record(view);
    check(same && view.empty() && same->record.key == change->record.key &&
          same->record.outputs.size() == change->record.outputs.size());
  }
}

void read_stamps(std::string_view key, std::string_view blob) {
  StampCursor cursor;
  cursor.reset(key, blob);
  std::size_t found = 0;
  while (cursor.next()) {
    check(cursor.stamp().path.size() <= key.size() + blob.size());
    ++found;
  }
  check(cursor.is_damaged() || found == cursor.size());
}

void read_damaged_blocks(fuzz::Bytes& bytes) {
  std::string text;
  std::vector<std::string> bodies;
  while (bytes.below(4) != 0 && bodies.size() < 20) {
    bodies.push_back(bytes.text(bytes.below(40)));
    append_block(text, bytes.byte(), bodies.back());
  }
  const std::size_t whole = text.size();
  switch (bytes.below(4)) {
    case 0:
      break;
    case 1:
      text.resize(whole - bytes.below(whole + 1));
      break;
    case 2:
      if (whole > 0) text[bytes.below(whole)] ^= static_cast<char>(1 << bytes.below(8));
      break;
    default:
      text += bytes.text(bytes.below(60));
  }
  std::size_t seen = 0;
  const BlocksRead read = read_blocks(text, [&](std::uint32_t, std::string_view body) {
    if (seen < bodies.size()) check(body == bodies[seen]);
    ++seen;
  });
  check(read.bytes <= text.size());
}

// Counts what a journal of events hands over, and looks at each text.
class Witness final : public RunEvents {
 public:
  void on_run(const RunFacts& facts) override { see(facts.run), see(facts.host); }
  void on_workflow(std::string_view facts) override { see(facts); }
  void on_place(const JobPlace& place) override { see(place.host); }
  void on_plan(const std::vector<RulePlan>& rules) override {
    for (const RulePlan& rule : rules) see(rule.rule);
  }
  void on_total(std::uint64_t) override {}
  void on_start(const JobStart& start) override {
    for (const std::string_view text : {start.rule, start.reason, start.wildcards, start.key, start.logs})
      see(text);
  }
  void on_end(const JobEnd& end) override { see(end.error), see(end.output); }
  void on_skipped(std::uint64_t) override {}
  void on_stopping(int, double) override {}
  void on_finish(int, double) override {}
  std::size_t seen() const { return seen_; }

 private:
  void see(std::string_view text) {
    for (const char c : text) seen_ += c != 0;
  }
  std::size_t seen_ = 0;
};

// The journal grows between two looks at it, as that of a run that goes on.
void read_events(fuzz::Bytes& bytes) {
  std::string text;
  for (int blocks = 0; !bytes.empty() && blocks < 20; ++blocks)
    append_block(text,
                 blocks == 0           ? 1
                 : bytes.below(8) == 0 ? bytes.byte()
                                       : 2,
                 bytes.text(bytes.below(200)));
  const std::size_t first = text.empty() ? 0 : bytes.byte() * text.size() / 256;
  const int file = ::memfd_create("events", 0);
  check(file >= 0);
  EventJournalReader reader("/proc/self/fd/" + std::to_string(file));
  Witness witness;
  check(::write(file, text.data(), first) == static_cast<ssize_t>(first));
  if (reader.read(witness)) {
    check(::write(file, text.data() + first, text.size() - first) ==
          static_cast<ssize_t>(text.size() - first));
    (void)reader.read(witness);
  }
  check(witness.seen() <= 100 * text.size());
  ::close(file);
}

}  // namespace
}  // namespace furrow::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace furrow;
  fuzz::Bytes bytes(data, size);
  switch (bytes.byte() % 5) {
    case 0: {
      const std::string rest(bytes.rest());
      store::read_blocks(rest, [](std::uint32_t, std::string_view body) { store::read_records(body); });
      break;
    }
    case 1:
      store::read_damaged_blocks(bytes);
      break;
    case 2: {
      const std::string key = bytes.text(bytes.below(20)), blob(bytes.rest());
      store::read_stamps(key, blob);
      break;
    }
    case 3:
      store::read_events(bytes);
      break;
    default: {
      const std::string rest(bytes.rest());
      store::read_records(rest);
    }
  }
  return 0;
}
