// How the runner of a batch reports to the engine: a file on the shared file system to which the runner
// appends and that engines follow. docs/design/cluster.md describes the format. Neither class is thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "os/files/descriptor.hpp"
#include "os/files/file_syncer.hpp"
#include "plan/executor.hpp"

namespace furrow::exec {

// What a job has printed: short output is in the journal itself, long output in files next to it.
struct JobOutput {
  std::string out{}, err{};  // the text, or the name of a file next to the journal
  bool out_in_file = false, err_in_file = false;
};

struct JournalEvent {
  enum class Kind : std::uint8_t { kBegun, kStart, kEnd, kOver } kind;
  std::uint32_t index = 0;   // of the job in the batch: kStart, kEnd
  double at = 0;             // seconds since the epoch, by the node's clock
  std::string host{};        // kBegun
  std::string job{};         // kBegun: the batch system's name, as the runner knows it
  std::uint32_t runner = 0;  // kBegun: index of the batch for which this job of the batch system was started
  plan::Exit exit{};         // kEnd; its fields `job` and `output` are not set
  JobOutput output{};        // kEnd
};

class JournalWriter {
 public:
  // The file must not exist yet.
  static Result<std::unique_ptr<JournalWriter>> create(const std::string& path);

  void begin(const std::string& id, std::uint32_t index, const std::string& job, std::uint32_t runner);
  void start(std::uint32_t index);
  void end(std::uint32_t index, const plan::Exit& exit, const JobOutput& output = {});
  void over();
  Result<void> commit();  // appends all lines since the last commit
  Result<void> sync();    // returns once all that was committed is on the disk

 private:
  JournalWriter(int fd, std::string path);
  os::Descriptor fd_;
  std::string path_;
  std::string pending_;
  os::FileSyncer syncer_;  // destroyed first
};

class JournalReader {
 public:
  explicit JournalReader(std::string path) : path_(std::move(path)) {}

  // The events since the last call; none if the file does not exist yet.
  std::vector<JournalEvent> read_on();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::uint64_t offset_ = 0;
};

}  // namespace furrow::exec
