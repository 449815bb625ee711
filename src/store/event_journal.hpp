// The journal of what happens in one run: `.furrow/runs/TIME-RUN.events`. docs/design/store.md has the format.
//
// The engine writes it now and then, never once a job, and nothing relies on it: a kill loses the events of a moment. Other
// processes read it while it grows. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "os/files/descriptor.hpp"
#include "store/run_events.hpp"

namespace furrow::store {

class EventJournalWriter final : public RunEvents {
 public:
  // In the store FOLDER. Removes the journals of the oldest runs.
  static Result<std::unique_ptr<EventJournalWriter>> create(const std::string& folder, const RunFacts& facts);

  void on_run(const RunFacts& facts) override;
  void on_workflow(std::string_view facts) override;
  void on_plan(const std::vector<RulePlan>& rules) override;
  void on_total(std::uint64_t due) override;
  void on_start(const JobStart& start) override;
  void on_place(const JobPlace& place) override;
  void on_end(const JobEnd& end) override;
  void on_skipped(std::uint64_t jobs) override;
  void on_stopping(int signal, double at) override;
  void on_finish(int code, double at) override;

  bool has_unwritten() const { return !events_.empty(); }
  // One system call. After an error, such as a full disk, nothing more is written.
  void write();

 private:
  explicit EventJournalWriter(int fd) : file_(fd) {}
  void write_block(std::uint32_t kind, std::string_view body);
  std::uint32_t number_of(std::string_view text);
  void add(std::string_view bytes);

  os::Descriptor file_;
  std::string events_;  // not written yet
  bool is_broken_ = false;
  std::unordered_map<std::string, std::uint32_t> texts_;
};

class EventJournalReader {
 public:
  explicit EventJournalReader(std::string path) : path_(std::move(path)) {}

  // Hands over what has been written since the last call. Fails if the journal is damaged, or from a later version.
  Result<void> read(RunEvents& events);
  const std::string& path() const { return path_; }

 private:
  Result<void> take_block(std::uint32_t kind, std::string_view body, RunEvents& events);
  Result<void> take_events(std::string_view body, RunEvents& events);

  std::string path_;
  std::size_t offset_ = 0;
  std::string left_;  // the beginning of a block whose end is not there yet
  bool is_begun_ = false;
  std::vector<std::string> texts_;
};

// A run that has a journal.
struct JournaledRun {
  std::string path, run;
  // The process is there, or was started on another host and has not said that it has ended.
  bool may_live = false;
};

// In the order of their begin.
std::vector<JournaledRun> journaled_runs(const std::string& folder);

}  // namespace furrow::store
