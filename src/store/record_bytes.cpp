#include "store/record_bytes.hpp"

#include <cstdint>
#include <cstring>

#include "store/byte_fields.hpp"

namespace furrow::store {

namespace {

constexpr std::uint32_t kErased = 0;  // in place of a phase
// Added to a phase: the record ends with the software environment.
constexpr std::uint32_t kHasEnvironment = 0x100;

std::string_view bytes_of(const std::vector<std::uint64_t>& hashes) {
  return {reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(std::uint64_t)};
}

bool is_known(std::uint32_t phase) {
  const std::uint32_t plain = phase & ~kHasEnvironment;
  return phase == kErased || (plain != kErased && plain <= static_cast<std::uint32_t>(JobPhase::kFailed));
}

void read(FieldReader& reader, JobRecord& record) {
  record.rule = reader.text();
  record.wildcards = reader.text();
  record.inputs = unpack_stamps(record.key, reader.text());
  record.outputs = unpack_stamps(record.key, reader.text());
  record.params_hash = reader.number<std::uint64_t>();
  record.code_hash = reader.number<std::uint64_t>();
  record.param_hashes = unpack_hashes(reader.text());
  record.params = reader.text();
  record.command = reader.text();
  record.host = reader.text();
  record.started_at = reader.number<double>();
  record.finished_at = reader.number<double>();
  record.status = reader.number<std::int32_t>();
  record.signal = reader.number<std::int32_t>();
  record.attempt = reader.number<std::int32_t>();
  record.threads = reader.number<std::int32_t>();
  record.user_s = reader.number<double>();
  record.system_s = reader.number<double>();
  record.max_rss_kb = reader.number<std::int64_t>();
}

}  // namespace

std::vector<std::uint64_t> unpack_hashes(std::string_view bytes) {
  std::vector<std::uint64_t> hashes(bytes.size() / sizeof(std::uint64_t));
  if (!hashes.empty()) std::memcpy(hashes.data(), bytes.data(), hashes.size() * sizeof(std::uint64_t));
  return hashes;
}

void append_record(std::string& bytes, const JobRecord& record) {
  append_number(
      bytes, static_cast<std::uint32_t>(record.phase) | (record.environment.empty() ? 0 : kHasEnvironment));
  append_text(bytes, record.key);
  append_text(bytes, record.rule);
  append_text(bytes, record.wildcards);
  append_text(bytes, pack_stamps(record.key, record.inputs));
  append_text(bytes, pack_stamps(record.key, record.outputs));
  append_number(bytes, record.params_hash);
  append_number(bytes, record.code_hash);
  append_text(bytes, bytes_of(record.param_hashes));
  append_text(bytes, record.params);
  append_text(bytes, record.command);
  append_text(bytes, record.host);
  append_number(bytes, record.started_at);
  append_number(bytes, record.finished_at);
  append_number(bytes, static_cast<std::int32_t>(record.status));
  append_number(bytes, static_cast<std::int32_t>(record.signal));
  append_number(bytes, static_cast<std::int32_t>(record.attempt));
  append_number(bytes, static_cast<std::int32_t>(record.threads));
  append_number(bytes, record.user_s);
  append_number(bytes, record.system_s);
  append_number(bytes, record.max_rss_kb);
  if (!record.environment.empty()) append_text(bytes, record.environment);
}

void append_erased(std::string& bytes, std::string_view key) {
  append_number(bytes, kErased);
  append_text(bytes, key);
}

std::optional<RecordChange> take_record(std::string_view& bytes) {
  FieldReader reader(bytes);
  RecordChange change;
  const auto phase = reader.number<std::uint32_t>();
  if (!is_known(phase)) return std::nullopt;
  change.is_erased = phase == kErased;
  change.record.phase = static_cast<JobPhase>(phase & ~kHasEnvironment);
  change.record.key = reader.text();
  if (!change.is_erased) read(reader, change.record);
  if (phase & kHasEnvironment) change.record.environment = reader.text();
  if (!reader.is_whole()) return std::nullopt;
  bytes = reader.left();
  return change;
}

}  // namespace furrow::store
