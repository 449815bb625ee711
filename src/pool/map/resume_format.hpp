// The bytes of a resume file (docs/design/resume-file.md): its header, its records. Pure data, no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pool/map/work_stealing_ranges.hpp"

namespace furrow::pool {

enum class ResultKind : std::uint8_t { kNone, kPlain, kEncoded };

struct ResumeHeader {
  std::string key{};
  std::uint64_t items = 0;
  std::uint64_t indices = 0;
  std::uint64_t inputs = 0;  // hash of the inputs
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
  bool inputs_hashed = false;
  bool own_seed = false;  // whether the seed is the map's own, rather than the Pool's
  ResultKind kind = ResultKind::kNone;
  std::uint64_t result_size = 0;

  std::string encode() const;
};

enum class HeaderState : std::uint8_t {
  kWhole,
  kForeign,       // not a resume file
  kOtherVersion,  // see ReadHeader::version
  kDamaged,       // or cut short
};

struct ReadHeader {
  HeaderState state = HeaderState::kForeign;
  std::uint32_t version = 0;
  std::uint64_t size = 0;      // bytes
  std::uint64_t checksum = 0;  // of the header; goes into the checksum of each record
  ResumeHeader header{};
};

ReadHeader read_header(std::string_view file);

// Whether a file that holds BYTES was cut off while HEADER was written to it, whatever its map's number was.
bool is_begun_header(std::string_view bytes, const ResumeHeader& header);

inline constexpr std::size_t kRecordHead = 24;
inline constexpr std::size_t kRecordTail = 8;

// The start of a record, which does not depend on its offset. Then come the results, BODY, and the tail.
std::string record_head(IndexRange indices, std::uint64_t body_size);
std::string record_tail(std::string_view head_and_body, std::uint64_t header_checksum, std::uint64_t offset);

struct ResumeRecord {
  IndexRange indices{};
  std::uint64_t body_size = 0;
};
// None if HEAD, which has kRecordHead bytes, cannot be the head of a record of this file.
std::optional<ResumeRecord> read_record_head(std::string_view head, const ResumeHeader& header);

}  // namespace furrow::pool
