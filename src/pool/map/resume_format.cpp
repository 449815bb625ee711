#include "pool/map/resume_format.hpp"

#include <cstring>

#include "base/hash.hpp"

namespace furrow::pool {

namespace {

constexpr std::string_view kMagic = "FurrowRF";
constexpr std::uint32_t kVersion = 1;
constexpr std::uint8_t kInputsHashed = 1, kOwnSeed = 2;
constexpr std::size_t kBeforeKey = 16;
constexpr std::size_t kNumberAfterKey = 32;  // bytes between the key and the map's number
constexpr std::size_t kAfterKey = 5 * 8 + 2 + 8;

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class T>
T take(std::string_view& bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

}  // namespace

std::string ResumeHeader::encode() const {
  std::string out(kMagic);
  put(out, kVersion);
  put(out, static_cast<std::uint32_t>(key.size()));
  out += key;
  for (const std::uint64_t each : {items, indices, inputs, seed, number}) put(out, each);
  put(out, static_cast<std::uint8_t>((inputs_hashed ? kInputsHashed : 0) | (own_seed ? kOwnSeed : 0)));
  put(out, kind);
  put(out, result_size);
  put(out, hash64(out));
  return out;
}

ReadHeader read_header(std::string_view file) {
  ReadHeader read;
  if (!file.starts_with(kMagic)) return read;
  read.state = HeaderState::kDamaged;
  if (file.size() < kBeforeKey) return read;
  std::string_view rest = file.substr(kMagic.size());
  read.version = take<std::uint32_t>(rest);
  if (read.version != kVersion) {
    read.state = HeaderState::kOtherVersion;
    return read;
  }
  const auto key_size = take<std::uint32_t>(rest);
  if (rest.size() < key_size + kAfterKey + sizeof read.checksum) return read;
  ResumeHeader& header = read.header;
  header.key = rest.substr(0, key_size);
  rest.remove_prefix(key_size);
  for (std::uint64_t* each : {&header.items, &header.indices, &header.inputs, &header.seed, &header.number})
    *each = take<std::uint64_t>(rest);
  const auto flags = take<std::uint8_t>(rest);
  header.inputs_hashed = flags & kInputsHashed;
  header.own_seed = flags & kOwnSeed;
  header.kind = static_cast<ResultKind>(take<std::uint8_t>(rest));
  header.result_size = take<std::uint64_t>(rest);
  read.checksum = take<std::uint64_t>(rest);
  read.size = file.size() - rest.size();
  if (read.checksum == hash64(file.substr(0, read.size - sizeof read.checksum)))
    read.state = HeaderState::kWhole;
  return read;
}

bool is_begun_header(std::string_view bytes, const ResumeHeader& header) {
  const std::string whole = header.encode();
  if (bytes.size() >= whole.size()) return false;
  const std::size_t number = kBeforeKey + header.key.size() + kNumberAfterKey;
  const std::size_t checksum = whole.size() - 8;
  for (std::size_t i = 0; i < bytes.size() && i < checksum; ++i)
    if (bytes[i] != whole[i] && (i < number || i >= number + 8)) return false;
  return true;
}

std::string record_head(IndexRange indices, std::uint64_t body_size) {
  std::string head;
  put(head, indices.begin);
  put(head, indices.size());
  put(head, body_size);
  return head;
}

std::string record_tail(std::string_view head_and_body, std::uint64_t header_checksum, std::uint64_t offset) {
  std::string tail;
  put(tail, hash64(head_and_body, combine(header_checksum, offset)));
  return tail;
}

std::optional<ResumeRecord> read_record_head(std::string_view head, const ResumeHeader& header) {
  const auto first = take<std::uint64_t>(head);
  const auto count = take<std::uint64_t>(head);
  const auto body = take<std::uint64_t>(head);
  if (first >= header.indices || count == 0 || count > header.indices - first) return std::nullopt;
  if (header.kind != ResultKind::kEncoded && body != count * header.result_size) return std::nullopt;
  return ResumeRecord{{first, first + count}, body};
}

}  // namespace furrow::pool
