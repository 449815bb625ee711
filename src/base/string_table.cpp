#include "base/string_table.hpp"

#include <algorithm>
#include <cstring>

#include "base/hash.hpp"

namespace furrow {

namespace {
constexpr std::size_t kFirstSlots = 1024;
constexpr std::size_t kBlockBytes = 256 * 1024;

std::uint32_t short_hash(std::string_view text) { return static_cast<std::uint32_t>(hash64(text)); }
}  // namespace

StringTable::StringTable() : slots_(kFirstSlots, kNone) {}

std::size_t StringTable::probe(std::string_view text, std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  while (slots_[slot] != kNone) {
    const Entry& entry = entries_[slots_[slot]];
    if (entry.hash == hash && entry.size == text.size() &&
        std::memcmp(entry.data, text.data(), text.size()) == 0)
      break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

StringTable::Id StringTable::find(std::string_view text) const {
  return slots_[probe(text, short_hash(text))];
}

StringTable::Id StringTable::intern(std::string_view text) {
  const std::uint32_t hash = short_hash(text);
  std::size_t slot = probe(text, hash);
  if (slots_[slot] != kNone) return slots_[slot];
  if ((entries_.size() + 1) * 4 > slots_.size() * 3) {
    rehash(slots_.size() * 2);
    slot = probe(text, hash);
  }
  const Id id = static_cast<Id>(entries_.size());
  entries_.push_back({store(text), static_cast<std::uint32_t>(text.size()), hash});
  return slots_[slot] = id;
}

void StringTable::reserve(std::size_t count) {
  entries_.reserve(count);
  std::size_t slots = slots_.size();
  while (count * 4 > slots * 3) slots *= 2;
  if (slots > slots_.size()) rehash(slots);
}

const char* StringTable::store(std::string_view text) {
  if (text.size() > free_bytes_) {
    const std::size_t bytes = std::max(kBlockBytes, text.size());
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    free_ = blocks_.back().get();
    free_bytes_ = bytes;
  }
  char* const place = free_;
  if (!text.empty()) std::memcpy(place, text.data(), text.size());
  free_ += text.size();
  free_bytes_ -= text.size();
  return place;
}

void StringTable::rehash(std::size_t slots) {
  slots_.assign(slots, kNone);
  const std::size_t mask = slots - 1;
  for (Id id = 0; id < entries_.size(); ++id) {
    std::size_t slot = entries_[id].hash & mask;
    while (slots_[slot] != kNone) slot = (slot + 1) & mask;
    slots_[slot] = id;
  }
}

}  // namespace furrow
