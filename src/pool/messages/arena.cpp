#include "pool/messages/arena.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "os/memory/shared_memory.hpp"

namespace furrow::pool {

namespace {

constexpr std::size_t kPage = 4096;
// A block may be used for less than its capacity, if it is at most this much larger, or twice as large.
constexpr std::size_t kSlack = 64 << 10;

std::size_t in_pages(std::size_t size) { return (size + kPage - 1) / kPage * kPage; }

}  // namespace

Result<Arena> Arena::create(int workers) {
  if (workers > kMostWorkers) return fail("too many workers for one arena");
  const int fd = ::memfd_create("furrow", MFD_CLOEXEC);
  if (fd < 0) return fail(system_error("cannot make shared memory"));
  if (::ftruncate(fd, static_cast<off_t>(kRegion) * (workers + 1)) != 0) {
    ::close(fd);
    return fail(system_error("cannot make shared memory"));
  }
  return Arena(fd, workers);
}

Result<Arena> Arena::attach(int fd, int workers) {
  const int own = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (own < 0) return fail(system_error("cannot keep shared memory"));
  return Arena(own, workers);
}

Arena::Arena(Arena&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      workers_(other.workers_),
      party_(other.party_),
      made_(other.made_),
      tables_(std::move(other.tables_)),
      blocks_(std::move(other.blocks_)) {
  other.tables_.clear();
  other.blocks_.clear();
}

Arena::~Arena() {
  for (const auto& [at, mapping] : blocks_) ::munmap(mapping.data, mapping.size);
  for (const auto& [party, table] : tables_) ::munmap(table, kTableBytes);
  if (fd_ >= 0) ::close(fd_);
}

std::byte* Arena::map(std::uint64_t at, std::size_t size, bool shared) const {
  void* const address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd_,
                               static_cast<off_t>(at));
  return address == MAP_FAILED ? nullptr : static_cast<std::byte*>(address);
}

Arena::Table* Arena::table(int party) {
  Table*& known = tables_[party];
  if (!known)
    known =
        reinterpret_cast<Table*>(map(static_cast<std::uint64_t>(party) << kRegionBits, kTableBytes, true));
  return known;
}

// The block's bytes, which come after its page of counters.
std::byte* Arena::shared(std::uint64_t at, std::size_t size) {
  const std::size_t whole = kPage + in_pages(size);
  const auto found = blocks_.find(at);
  if (found != blocks_.end() && found->second.size >= whole) return found->second.data + kPage;
  std::byte* const mapped = map(at - kPage, whole, true);
  if (!mapped) return nullptr;
  if (found != blocks_.end()) ::munmap(found->second.data, found->second.size);
  blocks_[at] = {mapped, whole};
  return mapped + kPage;
}

std::atomic<std::uint32_t>* Arena::views(std::uint64_t at) {
  const auto found = blocks_.find(at);
  std::byte* page = found != blocks_.end() ? found->second.data : nullptr;
  if (!page) {
    std::byte* const data = shared(at, 0);
    if (!data) return nullptr;
    page = data - kPage;
  }
  return reinterpret_cast<std::atomic<std::uint32_t>*>(page);
}

void Arena::enter(int party) {
  const std::lock_guard lock(lock_);
  party_ = party;
  Table* const own = table(party);
  if (!own) return;
  const std::uint64_t count = own->count.load();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint32_t written = kWritten;
    own->entries[i].state.compare_exchange_strong(written, kFree);
    made_ += own->entries[i].capacity;
  }
  if (party == 0) return;
  Table* const makers = table(0);
  const std::uint64_t theirs = makers ? makers->count.load() : 0;
  for (std::uint64_t i = 0; i < theirs; ++i)
    if (auto* const counters = views(makers->entries[i].at)) counters[party - 1].store(0);
}

bool Arena::unseen(const Entry& entry) {
  if (party_ != 0) return true;
  const auto* const counters = views(entry.at);
  if (!counters) return false;
  for (int i = 0; i < workers_; ++i)
    if (counters[i].load() != 0) return false;
  return true;
}

Arena::Entry* Arena::reusable(std::size_t size) {
  Table* const own = table(party_);
  const std::size_t most = std::max(2 * size, size + kSlack);
  Entry* best = nullptr;
  const std::uint64_t count = own->count.load();
  for (std::uint64_t i = 0; i < count; ++i) {
    Entry& each = own->entries[i];
    if (each.state.load() != kFree || each.capacity < size || each.capacity > most) continue;
    const bool better = !best || each.hollow.load() < best->hollow.load() ||
                        (each.hollow.load() == best->hollow.load() && each.capacity < best->capacity);
    if (better && unseen(each)) best = &each;
  }
  return best;
}

Arena::Entry* Arena::fresh(std::size_t capacity) {
  Table* const own = table(party_);
  const std::uint64_t count = own->count.load();
  if (count == kEntries) return nullptr;
  const std::uint64_t region = static_cast<std::uint64_t>(party_) << kRegionBits;
  const std::uint64_t end =
      count == 0 ? region + kTableBytes : own->entries[count - 1].at + own->entries[count - 1].capacity;
  if (end + kPage + capacity > region + kRegion) return nullptr;
  Entry& entry = own->entries[count];
  entry.at = end + kPage;
  entry.capacity = capacity;
  entry.state.store(kFree);
  entry.hollow.store(1);
  own->count.store(count + 1);
  made_ += capacity;
  return &entry;
}

// Gives the memory of free blocks back to the system, if it is more than kKept.
void Arena::hollow_out() {
  Table* const own = table(party_);
  const std::uint64_t count = own->count.load();
  std::size_t idle = 0;
  for (std::uint64_t i = 0; i < count; ++i)
    if (own->entries[i].state.load() == kFree && own->entries[i].hollow.load() == 0)
      idle += own->entries[i].capacity;
  if (idle <= kKept) return;
  for (std::uint64_t i = 0; i < count; ++i) {
    Entry& each = own->entries[i];
    if (each.state.load() != kFree || each.hollow.load() != 0 || !unseen(each)) continue;
    ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(each.at),
                static_cast<off_t>(each.capacity));
    each.hollow.store(1);
  }
}

Arena::Block Arena::make(std::size_t size) {
  const std::lock_guard lock(lock_);
  if (!table(party_)) return {};
  Entry* entry = reusable(size);
  if (!entry) {
    hollow_out();
    entry = fresh(in_pages(size));
  }
  if (!entry) return {};
  if (entry->hollow.load() != 0) {
    // Allocate now: otherwise a lack of memory would show as a signal while the block is written.
    if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(entry->at - kPage),
                    static_cast<off_t>(entry->capacity + kPage)) != 0)
      return {};
    entry->hollow.store(0);
  }
  std::byte* const data = shared(entry->at, entry->capacity);
  if (!data) return {};
  entry->state.store(kWritten);
  return {entry->at, data};
}

std::byte* Arena::whole(std::uint64_t at, std::size_t size) {
  const std::lock_guard lock(lock_);
  return shared(at, size);
}

std::byte* Arena::receive(std::uint64_t at, std::size_t size) {
  const std::lock_guard lock(lock_);
  const auto party = static_cast<int>(at >> kRegionBits);
  if (party > workers_) return nullptr;
  Table* const owners = table(party);
  const std::uint64_t count = owners ? owners->count.load() : 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Entry& each = owners->entries[i];
    if (each.at != at) continue;
    if (size > each.capacity) return nullptr;
    each.state.store(kHeld);
    return shared(at, each.capacity);
  }
  return nullptr;
}

void Arena::free(std::uint64_t at) {
  const std::lock_guard lock(lock_);
  Table* const owners = table(static_cast<int>(at >> kRegionBits));
  const std::uint64_t count = owners ? owners->count.load() : 0;
  for (std::uint64_t i = 0; i < count; ++i)
    if (owners->entries[i].at == at) return owners->entries[i].state.store(kFree);
}

std::byte* Arena::view(std::uint64_t at, std::size_t size) {
  {
    const std::lock_guard lock(lock_);
    auto* const counters = views(at);
    if (!counters || party_ == 0) return nullptr;
    counters[party_ - 1].fetch_add(1);
  }
  std::byte* const mapped = map(at, in_pages(size), false);
  if (!mapped) drop(nullptr, at, size);
  return mapped;
}

void Arena::drop(std::byte* view, std::uint64_t at, std::size_t size) {
  if (view) ::munmap(view, in_pages(size));
  const std::lock_guard lock(lock_);
  if (auto* const counters = views(at)) counters[party_ - 1].fetch_sub(1);
}

}  // namespace furrow::pool
