// The messages that ranks of a run exchange: sequences of records. docs/design/cluster.md says what each
// record contains.
//
// A record is a head of 24 bytes and its payload, in the machine's byte order: all ranks run one program.
// Each record carries the number of its run, so that records of an earlier run are recognized. Not
// thread-safe.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

namespace furrow::exec {

enum class RankRecord : std::uint32_t {
  // from rank 0
  kSetup = 1,
  kStart,
  kInput,
  kInputEnd,
  kTaken,
  kInterrupt,
  kRecall,
  kCancel,
  kClose,
  kShutdown,
  // to rank 0
  kHello = 64,
  kOut,
  kErr,
  kExit,
  kReturned,
  kRead,
  kSignal,
  kShutdownDone,
};

struct RankRecordHead {
  RankRecord kind;
  std::uint32_t run = 0;
  std::uint64_t request_id = 0;  // of an attempt; 0: of none
  std::uint64_t size = 0;        // of the payload
};
static_assert(sizeof(RankRecordHead) == 24);

// An outgoing message.
class RankRecords {
 public:
  void add(RankRecord kind, std::uint32_t run, std::uint64_t request_id = 0, std::string_view payload = {}) {
    const RankRecordHead head{kind, run, request_id, payload.size()};
    bytes_.append(reinterpret_cast<const char*>(&head), sizeof head).append(payload);
  }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }
  std::string_view bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  std::string bytes_;
};

// Calls USE for each record; the payload is valid during the call. A message is always complete.
inline void for_each_rank_record(
    std::string_view message, const std::function<void(const RankRecordHead& head, std::string_view)>& use) {
  while (message.size() >= sizeof(RankRecordHead)) {
    RankRecordHead head;
    std::memcpy(&head, message.data(), sizeof head);
    message.remove_prefix(sizeof head);
    use(head, message.substr(0, head.size));
    message.remove_prefix(std::min<std::size_t>(head.size, message.size()));
  }
}

// The payload of a record that carries one number.
inline std::string_view as_bytes(const std::uint64_t& number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}
inline std::uint64_t number_from(std::string_view payload) {
  std::uint64_t number = 0;
  std::memcpy(&number, payload.data(), std::min(payload.size(), sizeof number));
  return number;
}

}  // namespace furrow::exec
