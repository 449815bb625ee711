#include "store/record_bytes.hpp"

#include <cstdint>
#include <cstring>

namespace furrow::store {

namespace {

constexpr std::uint32_t kErased = 0;  // in place of a phase
// Added to a phase: the record ends with the software environment.
constexpr std::uint32_t kHasEnvironment = 0x100;

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void append(std::string& bytes, std::string_view text) {
  append(bytes, static_cast<std::uint32_t>(text.size()));
  bytes.append(text);
}

std::string_view bytes_of(const std::vector<std::uint64_t>& hashes) {
  return {reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(std::uint64_t)};
}

// Reads field after field; once one is missing, all that follow are empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  template <class T>
  T number() {
    T value{};
    if (left_.size() < sizeof value) return is_whole_ = false, value;
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }

  std::string_view text() {
    const auto size = number<std::uint32_t>();
    if (left_.size() < size) is_whole_ = false;
    if (!is_whole_) return {};
    const std::string_view text = left_.substr(0, size);
    left_.remove_prefix(size);
    return text;
  }

  bool is_whole() const { return is_whole_; }
  std::string_view left() const { return left_; }

 private:
  std::string_view left_;
  bool is_whole_ = true;
};

bool is_known(std::uint32_t phase) {
  const std::uint32_t plain = phase & ~kHasEnvironment;
  return phase == kErased || (plain != kErased && plain <= static_cast<std::uint32_t>(JobPhase::kFailed));
}

void read(Reader& reader, JobRecord& record) {
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
  append(bytes,
         static_cast<std::uint32_t>(record.phase) | (record.environment.empty() ? 0 : kHasEnvironment));
  append(bytes, std::string_view(record.key));
  append(bytes, std::string_view(record.rule));
  append(bytes, std::string_view(record.wildcards));
  append(bytes, std::string_view(pack_stamps(record.key, record.inputs)));
  append(bytes, std::string_view(pack_stamps(record.key, record.outputs)));
  append(bytes, record.params_hash);
  append(bytes, record.code_hash);
  append(bytes, bytes_of(record.param_hashes));
  append(bytes, std::string_view(record.params));
  append(bytes, std::string_view(record.command));
  append(bytes, std::string_view(record.host));
  append(bytes, record.started_at);
  append(bytes, record.finished_at);
  append(bytes, static_cast<std::int32_t>(record.status));
  append(bytes, static_cast<std::int32_t>(record.signal));
  append(bytes, static_cast<std::int32_t>(record.attempt));
  append(bytes, static_cast<std::int32_t>(record.threads));
  append(bytes, record.user_s);
  append(bytes, record.system_s);
  append(bytes, record.max_rss_kb);
  if (!record.environment.empty()) append(bytes, std::string_view(record.environment));
}

void append_erased(std::string& bytes, std::string_view key) {
  append(bytes, kErased);
  append(bytes, key);
}

std::optional<RecordChange> take_record(std::string_view& bytes) {
  Reader reader(bytes);
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
