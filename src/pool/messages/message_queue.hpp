// Which messages of a worker's inbox are its own to take: one word, {next, end}, of sequence numbers that
// count up from 0 for each life of a worker and may wrap.
//
// The worker alone moves next, by one; the parent alone moves end: up when a message has been written (or,
// for one that is larger than the ring, begins to be), down to take messages back that nobody has begun.
// Where the word is empty the worker does nothing, so the parent may move both: past messages that it took
// back.
#pragma once

#include <atomic>
#include <cstdint>

namespace furrow::pool {

struct MessageSpan {
  std::uint32_t next = 0;
  std::uint32_t end = 0;
  std::uint32_t size() const { return end - next; }
};

inline MessageSpan messages_in(std::uint64_t word) {
  return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
}
inline std::uint64_t word_of(MessageSpan span) { return std::uint64_t{span.next} << 32 | span.end; }

// The worker's.

inline bool take_message(std::atomic<std::uint64_t>& word, std::uint32_t& sequence) {
  std::uint64_t seen = word.load();
  for (;;) {
    const MessageSpan span = messages_in(seen);
    if (span.size() == 0) return false;
    sequence = span.next;
    if (word.compare_exchange_weak(seen, word_of({span.next + 1, span.end}))) return true;
  }
}

// The parent's.

// Adds message SEQUENCE. False while messages before it that were not taken back are left, and it does not
// follow upon them.
inline bool add_message(std::atomic<std::uint64_t>& word, std::uint32_t sequence) {
  std::uint64_t seen = word.load();
  for (;;) {
    const MessageSpan span = messages_in(seen);
    if (span.size() != 0 && span.end != sequence) return false;
    const std::uint32_t next = span.size() == 0 ? sequence : span.next;
    if (word.compare_exchange_weak(seen, word_of({next, sequence + 1}))) return true;
  }
}

// Takes back the later half of what is not begun, or all of it; gives the first sequence number taken, and
// whether there was any.
inline bool take_back(std::atomic<std::uint64_t>& word, bool all, std::uint32_t& first) {
  std::uint64_t seen = word.load();
  for (;;) {
    const MessageSpan span = messages_in(seen);
    if (span.size() == 0) return false;
    first = all ? span.next : span.next + span.size() / 2;
    if (word.compare_exchange_weak(seen, word_of({span.next, first}))) return true;
  }
}

}  // namespace furrow::pool
