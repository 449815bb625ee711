// The files of a job packed into one blob, and a cursor that walks them without an allocation for each.
// Format: docs/design/store.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::store {

// A file as it was when a job used or made it.
struct FileStamp {
  std::string path;
  std::int64_t mtime_ns = 0;
  std::int64_t size = 0;
  std::uint64_t content = 0;  // hash of the content; 0: not known
};

// A view of a FileStamp; `path` is valid until the cursor moves on.
struct StampView {
  std::string_view path;
  std::int64_t mtime_ns = 0;
  std::int64_t size = 0;
  std::uint64_t content = 0;
};

// Whether a file still has its recorded time. A copy on a file system or in an archive that keeps coarser times
// has it cut off; an edit is never older than the time that was recorded.
bool is_same_time(std::int64_t recorded_ns, std::int64_t now_ns);

// Each path shares a prefix with the path before it, the first one with KEY.
std::string pack_stamps(std::string_view key, const std::vector<FileStamp>& stamps);

// Walks a packed blob: `while (cursor.next()) use(cursor.stamp())`. Reuses its buffer for the next blob.
class StampCursor {
 public:
  // Borrows both until the next reset.
  void reset(std::string_view key, std::string_view blob);
  std::size_t size() const { return size_; }  // of the whole list
  bool next();
  const StampView& stamp() const { return stamp_; }
  // The bytes were not a valid list of stamps, and next() ended early. Such a record says nothing about its
  // job.
  bool is_damaged() const { return damaged_; }

 private:
  bool fail();
  bool read(std::uint64_t& value);
  bool read(std::int64_t& value);

  const unsigned char* at_ = nullptr;
  const unsigned char* end_ = nullptr;
  std::size_t size_ = 0, left_ = 0;
  bool damaged_ = false;
  std::string path_;
  StampView stamp_;
};

std::vector<FileStamp> unpack_stamps(std::string_view key, std::string_view blob);

}  // namespace furrow::store
