#include "store/stamps.hpp"

#include <algorithm>
#include <cstring>

namespace furrow::store {

namespace {

// In nanoseconds: SMB, databases and archives, FAT.
constexpr std::int64_t kTimeUnits[] = {100, 1'000, 1'000'000, 1'000'000'000, 2'000'000'000};

// Numbers have seven bits in a byte, lowest first; the top bit says that more bytes follow.
void append(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

// Signed numbers are zigzag-encoded, so that small negative numbers are short too.
void append(std::string& out, std::int64_t value) {
  append(out, (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t limit = std::min(a.size(), b.size());
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + limit, b.begin()).first - a.begin());
}

// Times may lie anywhere in the range. Their differences may wrap around, and sum() undoes it.
std::int64_t difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t sum(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

}  // namespace

bool is_same_time(std::int64_t recorded_ns, std::int64_t now_ns) {
  if (recorded_ns == now_ns) return true;
  if (now_ns > recorded_ns || now_ns <= 0) return false;
  for (const std::int64_t unit : kTimeUnits) {
    if (now_ns % unit == 0 && recorded_ns - now_ns < unit) return true;
  }
  return false;
}

std::string pack_stamps(std::string_view key, const std::vector<FileStamp>& stamps) {
  std::string out;
  out.reserve(2 + stamps.size() * 28);
  append(out, std::uint64_t{stamps.size()});
  std::string_view previous = key;
  std::int64_t mtime_ns = 0;
  for (const FileStamp& stamp : stamps) {
    const std::size_t shared = common_prefix(previous, stamp.path);
    append(out, std::uint64_t{shared});
    append(out, std::uint64_t{stamp.path.size() - shared});
    out.append(stamp.path, shared);
    append(out, difference(stamp.mtime_ns, mtime_ns));
    append(out, stamp.size);
    out += static_cast<char>(stamp.content != 0);
    if (stamp.content != 0) out.append(reinterpret_cast<const char*>(&stamp.content), sizeof stamp.content);
    previous = stamp.path;
    mtime_ns = stamp.mtime_ns;
  }
  return out;
}

void StampCursor::reset(std::string_view key, std::string_view blob) {
  at_ = reinterpret_cast<const unsigned char*>(blob.data());
  end_ = at_ + blob.size();
  size_ = left_ = 0;
  damaged_ = false;
  path_.assign(key);
  stamp_ = {};
  std::uint64_t count = 0;
  if (blob.empty()) return;
  // A stamp takes at least five bytes, which limits the count that a damaged blob can claim.
  if (!read(count) || count > blob.size() / 5) {
    fail();
    return;
  }
  size_ = left_ = count;
}

bool StampCursor::next() {
  if (left_ == 0) return false;
  --left_;
  std::uint64_t shared = 0, rest = 0;
  if (!read(shared) || !read(rest) || shared > path_.size() || rest > static_cast<std::size_t>(end_ - at_))
    return fail();
  path_.resize(shared);
  path_.append(reinterpret_cast<const char*>(at_), rest);
  at_ += rest;
  std::int64_t step = 0;
  if (!read(step) || !read(stamp_.size) || at_ == end_ || *at_ > 1) return fail();
  stamp_.path = path_;
  stamp_.mtime_ns = sum(stamp_.mtime_ns, step);
  stamp_.content = 0;
  if (*at_++ == 0) return true;
  if (end_ - at_ < 8) return fail();
  std::memcpy(&stamp_.content, at_, 8);
  at_ += 8;
  return true;
}

bool StampCursor::fail() {
  damaged_ = true;
  left_ = 0;
  return false;
}

bool StampCursor::read(std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
    const unsigned char byte = *at_++;
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

bool StampCursor::read(std::int64_t& value) {
  std::uint64_t zigzag = 0;
  if (!read(zigzag)) return false;
  value = static_cast<std::int64_t>((zigzag >> 1) ^ (~(zigzag & 1) + 1));
  return true;
}

std::vector<FileStamp> unpack_stamps(std::string_view key, std::string_view blob) {
  StampCursor cursor;
  cursor.reset(key, blob);
  std::vector<FileStamp> stamps;
  stamps.reserve(cursor.size());
  while (cursor.next()) {
    const StampView& stamp = cursor.stamp();
    stamps.push_back({std::string(stamp.path), stamp.mtime_ns, stamp.size, stamp.content});
  }
  return stamps;
}

}  // namespace furrow::store
