// What a workflow remembers between runs: one SQLite database in `.furrow/`, opened by the engine alone, under an exclusive lock.
//
// A job's record is written when it starts (kStarted) and replaced when it has finished and its outputs were checked (kFinished).
// Writes between begin() and commit() are one transaction, in the write-ahead log before commit() returns: SIGKILL after that loses
// nothing; a power cut may lose the last moments, but never leaves half a transaction. Not thread-safe.
//
// The schema is documented in docs/design/store.md.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::store {

// A file as it was when a job used or made it.
struct FileStamp {
  std::string path;
  std::int64_t mtime_ns = 0;
  std::int64_t size = 0;
  std::uint64_t content = 0;  // hash of the content; 0: not known
};

enum class JobPhase : std::uint8_t { kStarted = 1, kFinished = 2, kFailed = 3 };

struct JobRecord {
  std::string key;  // the job's first output (or what stands for it): one record a key
  JobPhase phase = JobPhase::kStarted;
  std::string rule;
  std::string wildcards;
  std::vector<FileStamp> inputs;   // in order of their paths
  std::vector<FileStamp> outputs;  // in order of the rule
  std::uint64_t params_hash = 0;
  std::uint64_t code_hash = 0;
  std::string params;  // readable, for explanations; may be cut
  std::string command;
  double started_at = 0, finished_at = 0;  // seconds since the epoch
  int status = 0, signal = 0, attempt = 1, threads = 1;
  double user_s = 0, system_s = 0;
  std::int64_t max_rss_kb = 0;
};

// A record as reading a hundred thousand of them needs it: views into the row, valid during the callback.
struct JobRow;  // see store.cpp's docs; the layout is up to the implementation, but reading must not allocate per input

class Store {
 public:
  // Makes FOLDER if needed. Fails if another process holds the lock (after WAIT_S), naming it; if the folder cannot be written; or
  // if the database is from a newer version.
  static Result<std::unique_ptr<Store>> open(const std::string& folder, double wait_s);
  ~Store();

 private:
  Store();
};

}  // namespace furrow::store
