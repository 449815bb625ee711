#include "pool/messages/arena.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "os/events/clock.hpp"
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
      ended_(other.ended_),
      tables_(std::exchange(other.tables_, {})),
      windows_(std::exchange(other.windows_, {})),
      blocks_(std::exchange(other.blocks_, {})),
      outgrown_(std::exchange(other.outgrown_, {})) {}

Arena::~Arena() {
  for (const auto& [at, mapping] : windows_) ::munmap(mapping.data, mapping.size);
  for (const auto& [at, mapping] : blocks_) ::munmap(mapping.data, mapping.size);
  for (const Mapping& mapping : outgrown_) ::munmap(mapping.data, mapping.size);
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

// Offsets rise from entry to entry.
Arena::Entry* Arena::find(Table* in, std::uint64_t at) {
  if (!in) return nullptr;
  Entry* const end = in->entries + in->count.load();
  Entry* const found = std::lower_bound(
      in->entries, end, at, [](const Entry& entry, std::uint64_t offset) { return entry.at < offset; });
  return found != end && found->at == at ? found : nullptr;
}

std::int64_t Arena::bytes_of(const Entry& entry) { return static_cast<std::int64_t>(kPage + entry.capacity); }

// The block's bytes, which come after its page of counters.
std::byte* Arena::shared(std::uint64_t at, std::size_t size) {
  const std::uint64_t first = at - kPage;
  const std::uint64_t window = first / kWindow * kWindow;
  const std::size_t whole = kPage + in_pages(size);
  const bool fits = first + whole <= window + kWindow;
  auto& known = fits ? windows_ : blocks_;
  const std::uint64_t from = fits ? window : first;
  const auto found = known.find(fits ? window : at);
  if (found != known.end() && found->second.size >= whole) return found->second.data + (at - from);
  const std::size_t length = fits ? kWindow : whole;
  std::byte* const mapped = map(from, length, true);
  if (!mapped) return nullptr;
  if (found != known.end()) outgrown_.push_back(found->second);
  known[fits ? window : at] = {mapped, length};
  return mapped + (at - from);
}

std::atomic<std::uint32_t>* Arena::views(std::uint64_t at) {
  const auto found = blocks_.find(at);
  std::byte* const data = found != blocks_.end() ? found->second.data + kPage : shared(at, 0);
  return data ? reinterpret_cast<std::atomic<std::uint32_t>*>(data - kPage) : nullptr;
}

void Arena::enter(int party) {
  const std::lock_guard lock(lock_);
  party_ = party;
  views_ = 0;
  Table* const own = table(party);
  if (!own) return;
  const std::uint64_t count = own->count.load();
  std::int64_t idle = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Entry& each = own->entries[i];
    std::uint32_t written = kWritten;
    each.state.compare_exchange_strong(written, kFree);
    made_ += each.capacity;
    if (each.state.load() == kFree && each.hollow.load() == 0) idle += bytes_of(each);
  }
  own->idle.store(idle);
  if (party == 0) return;
  Table* const makers = table(0);
  const std::uint64_t theirs = makers ? makers->count.load() : 0;
  for (std::uint64_t i = 0; i < theirs; ++i)
    if (auto* const counters = views(makers->entries[i].at)) counters[party - 1].store(0);
}

bool Arena::unseen(const Entry& entry) {
  if (entry.at >> kRegionBits != 0) return true;
  const auto* const counters = views(entry.at);
  if (!counters) return false;
  for (int i = 0; i < workers_; ++i)
    if (counters[i].load() != 0) return false;
  return true;
}

// A free block, which is this process's alone from now on.
Arena::Entry* Arena::reusable(std::size_t size) {
  Table* const own = table(party_);
  const std::size_t most = std::max(2 * size, size + kSlack);
  for (;;) {
    Entry* best = nullptr;
    const std::uint64_t count = own->count.load();
    for (std::uint64_t i = 0; i < count; ++i) {
      Entry& each = own->entries[i];
      if (each.state.load() != kFree || each.capacity < size || each.capacity > most) continue;
      const bool better = !best || each.hollow.load() < best->hollow.load() ||
                          (each.hollow.load() == best->hollow.load() && each.capacity < best->capacity);
      if (better && unseen(each)) best = &each;
    }
    std::uint32_t is_free = kFree;
    if (!best || best->state.compare_exchange_strong(is_free, kWritten)) return best;
  }
}

Arena::Entry* Arena::fresh(std::size_t capacity) {
  Table* const own = table(party_);
  const std::uint64_t count = own->count.load();
  if (count == kEntries) return nullptr;
  const std::uint64_t region = static_cast<std::uint64_t>(party_) << kRegionBits;
  std::uint64_t end =
      count == 0 ? region + kTableBytes : own->entries[count - 1].at + own->entries[count - 1].capacity;
  const std::uint64_t next_window = (end / kWindow + 1) * kWindow;
  if (kPage + capacity <= kWindow && end + kPage + capacity > next_window) end = next_window;
  if (end + kPage + capacity > region + kRegion) return nullptr;
  Entry& entry = own->entries[count];
  entry.at = end + kPage;
  entry.capacity = capacity;
  entry.state.store(kWritten);
  entry.hollow.store(1);
  own->count.store(count + 1);
  made_ += capacity;
  return &entry;
}

// Gives the memory of a block that this process has to itself back to the system.
void Arena::hollow(Entry& entry) {
  if (entry.hollow.exchange(1) != 0) return;
  ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(entry.at - kPage),
              static_cast<off_t>(kPage + entry.capacity));
}

// The same for free blocks, until they keep no more than they may.
void Arena::hollow_out(Table& owners, std::int64_t allowed) {
  const std::uint64_t count = owners.count.load();
  for (std::uint64_t i = 0; i < count && owners.idle.load() > allowed; ++i) {
    Entry& each = owners.entries[i];
    std::uint32_t is_free = kFree;
    if (each.hollow.load() != 0 || !each.state.compare_exchange_strong(is_free, kHeld)) continue;
    if (each.hollow.load() == 0 && unseen(each)) {
      hollow(each);
      owners.idle.fetch_sub(bytes_of(each));
    }
    each.state.store(kFree);
  }
}

std::int64_t Arena::allowed() {
  if (ended_) return 0;
  const Table* const makers = table(0);
  const std::int64_t spare_at = makers ? makers->spare_at.load() : kUnknown;
  return spare_at == kUnknown || spare_at == kBusy || os::monotonic_ns() < spare_at ? kKeptBusy : kKept;
}

void Arena::busy() {
  const std::lock_guard lock(lock_);
  if (Table* const own = table(0)) own->spare_at.store(kBusy);
}

void Arena::rest(std::int64_t soon_ns) {
  const std::lock_guard lock(lock_);
  if (Table* const own = table(0)) own->spare_at.store(os::monotonic_ns() + soon_ns);
}

// A block that another process frees while it still believes in kKeptBusy is given back, too.
bool Arena::trim() {
  constexpr std::int64_t kLate_ns = 20'000'000;
  const std::lock_guard lock(lock_);
  const Table* const makers = table(0);
  const std::int64_t spare_at = makers ? makers->spare_at.load() : kUnknown;
  if (spare_at == kUnknown) return true;
  if (spare_at == kBusy || os::monotonic_ns() < spare_at + kLate_ns) return false;
  for (int party = 0; party <= workers_; ++party)
    if (Table* const each = table(party)) hollow_out(*each, kKept);
  return true;
}

void Arena::end() {
  const std::lock_guard lock(lock_);
  ended_ = true;
  for (int party = 0; party <= workers_; ++party) {
    const auto known = tables_.find(party);
    if (known == tables_.end() || !known->second) {  // this process has nothing from there
      ::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(party) << kRegionBits,
                  static_cast<off_t>(kRegion));
      continue;
    }
    Table& owners = *known->second;
    for (std::uint64_t i = 0; i < owners.count.load(); ++i)
      if (party == 0 || owners.entries[i].state.load() != kHeld) hollow(owners.entries[i]);
    owners.idle.store(0);
  }
}

Arena::Block Arena::make(std::size_t size) {
  const std::lock_guard lock(lock_);
  Table* const own = table(party_);
  if (!own) return {};
  Entry* entry = reusable(size);
  if (!entry) {
    if (own->idle.load() > kKept) hollow_out(*own, allowed());
    entry = fresh(in_pages(size));
  }
  if (!entry) return {};
  if (entry->hollow.load() == 0) {
    own->idle.fetch_sub(bytes_of(*entry));
  } else {
    // Allocate now: otherwise a lack of memory would show as a signal while the block is written.
    if (::fallocate(fd_, FALLOC_FL_KEEP_SIZE, static_cast<off_t>(entry->at - kPage),
                    static_cast<off_t>(entry->capacity + kPage)) != 0) {
      entry->state.store(kFree);
      return {};
    }
    entry->hollow.store(0);
  }
  std::byte* const data = shared(entry->at, entry->capacity);
  if (!data) {
    free(*own, *entry);
    return {};
  }
  return {entry->at, data};
}

std::byte* Arena::whole(std::uint64_t at, std::size_t size) {
  const std::lock_guard lock(lock_);
  return shared(at, size);
}

std::byte* Arena::receive(std::uint64_t at, std::size_t size) {
  const std::lock_guard lock(lock_);
  if (static_cast<int>(at >> kRegionBits) > workers_) return nullptr;
  Entry* const entry = find(table_of(at), at);
  if (!entry || size > entry->capacity) return nullptr;
  entry->state.store(kHeld);
  return shared(at, entry->capacity);
}

void Arena::free(std::uint64_t at) {
  const std::lock_guard lock(lock_);
  Table* const owners = table_of(at);
  Entry* const entry = find(owners, at);
  if (entry && entry->state.load() != kFree) free(*owners, *entry);
}

void Arena::free(Table& owners, Entry& entry) {
  const std::int64_t idle = owners.idle.load() + bytes_of(entry);
  if ((ended_ || idle > kKept) && idle > allowed() && unseen(entry))
    hollow(entry);
  else
    owners.idle.fetch_add(bytes_of(entry));
  entry.state.store(kFree);
}

std::byte* Arena::view(std::uint64_t at, std::size_t size) {
  {
    const std::lock_guard lock(lock_);
    auto* const counters = views(at);
    if (!counters || party_ == 0 || views_ == kMostViews) return nullptr;
    ++views_;
    counters[party_ - 1].fetch_add(1);
  }
  std::byte* const mapped = map(at, in_pages(size), false);
  if (!mapped) drop(nullptr, at, size);
  return mapped;
}

void Arena::drop(std::byte* view, std::uint64_t at, std::size_t size) {
  if (view) ::munmap(view, in_pages(size));
  const std::lock_guard lock(lock_);
  --views_;
  if (auto* const counters = views(at)) counters[party_ - 1].fetch_sub(1);
}

}  // namespace furrow::pool
