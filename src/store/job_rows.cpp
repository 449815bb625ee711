#include "store/job_rows.hpp"

#include <cstring>

#include "base/hash.hpp"
#include "store/blocks.hpp"

namespace furrow::store {

namespace {

// All that decides whether the job runs again. Borrows.
struct Decisive {
  std::string_view key;
  std::int64_t phase;
  std::string_view rule;
  std::int64_t params_hash;
  std::int64_t code_hash;
  std::string_view param_hashes;
  double started_at;
  double finished_at;
  std::int64_t commit;
  std::string_view environment;
  std::string_view outputs;  // packed, as the inputs
  std::string_view inputs;
};

Decisive decisive_of(const Statement& row) {
  return {row.text(0), row.integer(1), row.text(2),    row.integer(3), row.integer(4), row.bytes(5),
          row.real(6), row.real(7),    row.integer(8), row.text(10),   row.bytes(11),  row.bytes(12)};
}

// Never 0.
std::uint64_t checksum_of(const Decisive& row) {
  std::uint64_t numbers[6] = {
      static_cast<std::uint64_t>(row.phase), static_cast<std::uint64_t>(row.params_hash),
      static_cast<std::uint64_t>(row.code_hash), static_cast<std::uint64_t>(row.commit)};
  std::memcpy(&numbers[4], &row.started_at, sizeof row.started_at);
  std::memcpy(&numbers[5], &row.finished_at, sizeof row.finished_at);
  std::uint64_t hash = hash64({reinterpret_cast<const char*>(numbers), sizeof numbers});
  for (const std::string_view text : {row.key, row.rule, row.param_hashes, row.outputs, row.inputs})
    hash = hash64(text, hash);
  if (!row.environment.empty()) hash = hash64(row.environment, hash);  // as in version 3
  return hash == 0 ? 1 : hash;
}

// Records of older versions have the commit 0 and no checksum.
bool differs(const Decisive& row, std::int64_t checksum) {
  if (row.commit == 0 && checksum == 0) return false;
  return static_cast<std::uint64_t>(checksum) != checksum_of(row);
}

}  // namespace

bool is_damaged(const Statement& row) { return differs(decisive_of(row), row.integer(9)); }

JobRecord record_of(const Statement& row) {
  JobRecord record;
  record.key = row.text(0);
  record.phase = static_cast<JobPhase>(row.integer(1));
  record.rule = row.text(2);
  record.params_hash = static_cast<std::uint64_t>(row.integer(3));
  record.code_hash = static_cast<std::uint64_t>(row.integer(4));
  record.param_hashes = unpack_hashes(row.bytes(5));
  record.started_at = row.real(6);
  record.finished_at = row.real(7);
  record.commit = row.integer(8);
  record.environment = row.text(10);
  record.outputs = unpack_stamps(record.key, row.bytes(11));
  record.inputs = unpack_stamps(record.key, row.bytes(12));
  record.wildcards = row.text(13);
  record.status = static_cast<int>(row.integer(14));
  record.signal = static_cast<int>(row.integer(15));
  record.attempt = static_cast<int>(row.integer(16));
  record.threads = static_cast<int>(row.integer(17));
  record.user_s = row.real(18);
  record.system_s = row.real(19);
  record.max_rss_kb = row.integer(20);
  record.params = row.text(21);
  record.command = row.text(22);
  record.host = row.text(23);
  return record;
}

// OUTPUTS and INPUTS are packed. They and RECORD must live until the statement has run.
void bind_record(Statement& put, const JobRecord& record, std::int64_t commit, const std::string& outputs,
                 const std::string& inputs) {
  const auto number = [](auto value) { return static_cast<std::int64_t>(value); };
  put.bind(1, record.key);
  put.bind(2, number(record.phase));
  put.bind(3, record.rule);
  put.bind(4, number(record.params_hash));
  put.bind(5, number(record.code_hash));
  put.bind_bytes(6, bytes_of(record.param_hashes));
  put.bind(7, record.started_at);
  put.bind(8, record.finished_at);
  put.bind(9, commit);
  put.bind(10, number(checksum_of({record.key, number(record.phase), record.rule, number(record.params_hash),
                                   number(record.code_hash), bytes_of(record.param_hashes), record.started_at,
                                   record.finished_at, commit, record.environment, outputs, inputs})));
  put.bind(11, record.environment);
  put.bind_bytes(12, outputs);
  put.bind_bytes(13, inputs);
  put.bind(14, record.wildcards);
  put.bind(15, number(record.status));
  put.bind(16, number(record.signal));
  put.bind(17, number(record.attempt));
  put.bind(18, number(record.threads));
  put.bind(19, record.user_s);
  put.bind(20, record.system_s);
  put.bind(21, record.max_rss_kb);
  put.bind(22, record.params);
  put.bind(23, record.command);
  put.bind(24, record.host);
}

// Each column is asked for once: that is most of what reading a row costs.
void read_row(const Statement& all, JobRow& row) {
  const Decisive read = decisive_of(all);
  row.key = read.key;
  row.phase = static_cast<JobPhase>(read.phase);
  row.rule = read.rule;
  row.params_hash = static_cast<std::uint64_t>(read.params_hash);
  row.code_hash = static_cast<std::uint64_t>(read.code_hash);
  row.param_hashes = read.param_hashes;
  row.started_at = read.started_at;
  row.finished_at = read.finished_at;
  row.commit = read.commit;
  row.is_damaged = differs(read, all.integer(9));
  row.environment = read.environment;
  row.outputs.reset(row.key, read.outputs);
  row.inputs.reset(row.key, read.inputs);
}

}  // namespace furrow::store
