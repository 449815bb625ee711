// The messages that ranks of a run exchange: sequences of records. docs/design/cluster.md says what each
// record contains.
//
// A record is a frame (channel/frame.hpp), whose flags are the number of its run, so that records of an earlier run
// are recognized. Its payload begins with the request id. Not thread-safe.
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "channel/frame.hpp"

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
};

// An outgoing message.
class RankRecords {
 public:
  void add(RankRecord kind, std::uint32_t run, std::uint64_t request_id = 0, std::string_view payload = {}) {
    const channel::FrameHeader frame{static_cast<std::uint32_t>(kind), run,
                                     sizeof request_id + payload.size()};
    bytes_.append(reinterpret_cast<const char*>(&frame), sizeof frame);
    bytes_.append(reinterpret_cast<const char*>(&request_id), sizeof request_id);
    bytes_.append(payload).append(frame.padding(), '\0');
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
  channel::for_each_frame(std::as_bytes(std::span(message)),
                          [&](const auto& frame, std::span<const std::byte> bytes) {
                            RankRecordHead head{RankRecord{frame.kind}, frame.flags};
                            if (bytes.size() < sizeof head.request_id) return;
                            std::memcpy(&head.request_id, bytes.data(), sizeof head.request_id);
                            bytes = bytes.subspan(sizeof head.request_id);
                            use(head, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
                          });
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
