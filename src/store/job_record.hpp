// What the store keeps of one job.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/stamps.hpp"

namespace furrow::store {

enum class JobPhase : std::uint8_t { kStarted = 1, kFinished = 2, kFailed = 3 };

struct JobRecord {
  std::string key;  // the job's first output, or its rule and wildcards; each key has one record
  JobPhase phase = JobPhase::kStarted;
  std::string rule;
  std::string wildcards;
  std::vector<FileStamp> inputs;   // in the order of their paths
  std::vector<FileStamp> outputs;  // in the order of the rule
  std::uint64_t params_hash = 0;
  std::uint64_t code_hash = 0;
  std::vector<std::uint64_t> param_hashes;  // of each param; 0: not known. Empty in a store of version 1
  std::string environment;  // software environment, as deploy::Environments::identity(); empty: none
  std::string params;       // readable, one line each; may be shortened
  std::string command;
  std::string host;
  double started_at = 0, finished_at = 0;  // seconds since the epoch
  int status = 0, signal = 0, attempt = 1, threads = 1;
  double user_s = 0, system_s = 0;
  std::int64_t max_rss_kb = 0;
  std::int64_t commit = 0;  // the number of its transaction; 0: from an older program. Set by the store
};

// The part of a record that planning needs, read without copies, since there may be a hundred thousand of
// them. All views are valid only until the next row.
struct JobRow {
  std::string_view key;
  std::string_view rule;
  JobPhase phase = JobPhase::kStarted;
  std::uint64_t params_hash = 0;
  std::uint64_t code_hash = 0;
  std::string_view environment;
  std::string_view param_hashes;  // as in a record, packed: see unpack_hashes()
  double started_at = 0, finished_at = 0;
  std::int64_t commit = 0;
  bool is_damaged = false;      // it fails its checksum: nothing that it says counts
  StampCursor inputs, outputs;  // before their first stamps
};

std::vector<std::uint64_t> unpack_hashes(std::string_view bytes);

}  // namespace furrow::store
