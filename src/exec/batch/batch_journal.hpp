// What the runner of a batch tells the engine: a file on the shared file system to which one appends and that
// others follow; docs/design/cluster.md describes the format. Neither class is thread-safe.
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

// What a job has printed: little is in the journal itself, the rest in files beside it.
struct JobOutput {
  std::string out{}, err{};  // as text, or the name of a file beside the journal
  bool out_in_file = false, err_in_file = false;
};

struct JournalEvent {
  enum class Kind : std::uint8_t { kBegun, kStart, kEnd, kOver } kind;
  std::uint32_t place = 0;   // of the job: kStart, kEnd
  double at = 0;             // seconds since the epoch, by the node's clock
  std::string host{};        // kBegun
  std::string job{};         // kBegun: the batch system's name, as the runner knows it
  std::uint32_t runner = 0;  // kBegun: the batch that this job of the batch system was started for
  plan::Exit exit{};         // kEnd; without job and output
  JobOutput output{};        // kEnd
};

class JournalWriter {
 public:
  // The file must not be there yet.
  static Result<std::unique_ptr<JournalWriter>> create(const std::string& path);

  void begin(const std::string& id, std::uint32_t index, const std::string& job, std::uint32_t runner);
  void start(std::uint32_t place);
  void end(std::uint32_t place, const plan::Exit& exit, const JobOutput& output = {});
  void over();
  Result<void> commit();  // appends what was said since the last one
  Result<void> sync();    // it is on the disk when this returns

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

  // What came since the last call; a file that is not there has said nothing yet.
  std::vector<JournalEvent> read_on();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::uint64_t offset_ = 0;
};

}  // namespace furrow::exec
