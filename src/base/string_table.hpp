// Interned strings: each distinct string is stored once and has a dense 32-bit id. Meant for file names, of
// which a plan holds millions.
//
// Not thread-safe. Views stay valid as long as the table lives; strings are never removed.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace furrow {

class StringTable {
 public:
  using Id = std::uint32_t;
  static constexpr Id kNone = 0xffffffffu;

  StringTable();

  Id intern(std::string_view text);
  Id find(std::string_view text) const;  // kNone if it was never interned
  std::string_view view(Id id) const { return {entries_[id].data, entries_[id].size}; }
  std::size_t size() const { return entries_.size(); }
  void reserve(std::size_t count);

 private:
  struct Entry {
    const char* data;
    std::uint32_t size;
    std::uint32_t hash;
  };

  std::size_t probe(std::string_view text, std::uint32_t hash) const;
  const char* store(std::string_view text);
  void rehash(std::size_t slots);

  std::vector<Entry> entries_;
  std::vector<Id> slots_;  // open addressing, a power of two, at most 3/4 full
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  std::size_t free_bytes_ = 0;
};

}  // namespace furrow
