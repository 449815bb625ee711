// Which messages in a worker's inbox the worker may take: one word, {next, end}, of sequence numbers. They
// count up from 0 for each process of a worker, and may wrap.
//
// Only the worker moves next, by one. Only the parent moves end: up when a message has been written (for one
// larger than the ring, when writing begins), down to take back messages that the worker has not begun. While
// the range is empty the worker does nothing, so the parent may then move both, past messages that it took
// back.
#pragma once

#include <atomic>
#include <cstdint>

namespace furrow::pool {

struct MessageRange {
  std::uint32_t next = 0;
  std::uint32_t end = 0;
  std::uint32_t size() const { return end - next; }
};

inline MessageRange messages_in(std::uint64_t word) {
  return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
}
inline std::uint64_t word_of(MessageRange range) { return std::uint64_t{range.next} << 32 | range.end; }

// For the worker.

inline bool take_message(std::atomic<std::uint64_t>& word, std::uint32_t& sequence) {
  std::uint64_t seen = word.load();
  for (;;) {
    const MessageRange range = messages_in(seen);
    if (range.size() == 0) return false;
    sequence = range.next;
    if (word.compare_exchange_weak(seen, word_of({range.next + 1, range.end}))) return true;
  }
}

// For the parent.

// Adds message SEQUENCE. False if other messages are left in the range and SEQUENCE does not directly follow
// them.
inline bool add_message(std::atomic<std::uint64_t>& word, std::uint32_t sequence) {
  std::uint64_t seen = word.load();
  for (;;) {
    const MessageRange range = messages_in(seen);
    if (range.size() != 0 && range.end != sequence) return false;
    const std::uint32_t next = range.size() == 0 ? sequence : range.next;
    if (word.compare_exchange_weak(seen, word_of({next, sequence + 1}))) return true;
  }
}

// Takes back the later half of the messages that are not begun, or all of them. FIRST becomes the first
// sequence number taken back; false if there was none.
inline bool take_back(std::atomic<std::uint64_t>& word, bool all, std::uint32_t& first) {
  std::uint64_t seen = word.load();
  for (;;) {
    const MessageRange range = messages_in(seen);
    if (range.size() == 0) return false;
    first = all ? range.next : range.next + range.size() / 2;
    if (word.compare_exchange_weak(seen, word_of({range.next, first}))) return true;
  }
}

}  // namespace furrow::pool
