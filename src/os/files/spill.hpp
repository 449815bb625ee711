// Any number of bytes, kept until they are wanted: the latest in a small buffer in memory, the earlier ones
// in an unlinked file.
//
// A full disk does not stop the writer: from then on, bytes that should go to the file are counted as lost,
// and only the end is kept. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace furrow::os {

// Valid until the spill changes.
struct SpillView {
  int file = -1;  // read from its beginning
  std::int64_t file_size = 0;
  std::int64_t lost = 0;  // bytes between the two that could not be kept
  std::string_view rest{};
  bool empty() const { return file_size == 0 && lost == 0 && rest.empty(); }
  std::int64_t size() const { return file_size + lost + static_cast<std::int64_t>(rest.size()); }
};

class Spill {
 public:
  static constexpr std::size_t kInMemory = 64 * 1024;

  // FOLDER (borrowed) is where the file is created; /tmp if FOLDER is empty or takes no file.
  explicit Spill(const std::string& folder) : folder_(&folder) {}
  ~Spill();
  Spill(Spill&& other) noexcept;
  Spill& operator=(Spill&& other) noexcept;

  void append(std::string_view fragment);
  SpillView view() const { return {file_, file_size_, lost_, memory_}; }
  bool empty() const { return view().empty(); }
  std::size_t in_memory() const { return memory_.size(); }
  bool has_file() const { return file_ >= 0; }
  void clear();  // keeps the empty file for later

 private:
  void move_to_file();

  const std::string* folder_;
  int file_ = -1;
  std::int64_t file_size_ = 0;
  std::int64_t lost_ = 0;
  std::string memory_;
};

// A new unnamed file, open for reading and writing; negative if it cannot be created in FOLDER.
int open_unlinked(const std::string& folder);

// Passes everything in VIEW to USE, in order and in fragments, until USE returns false. True if USE never
// did. A line of text stands for what was lost.
bool for_each_fragment(const SpillView& view, const std::function<bool(std::string_view fragment)>& use);

}  // namespace furrow::os
