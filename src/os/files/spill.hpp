// Bytes that are kept until somebody wants them, however many: the last of them in a little memory, what came
// before in an unlinked file.
//
// A disk that is full does not stop the one who appends: from then on what would go to the file is counted as
// lost, and only the end is kept. Not thread-safe.
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

  // FOLDER, borrowed: where the file is made; where nothing can be made there, or it is empty: /tmp.
  explicit Spill(const std::string& folder) : folder_(&folder) {}
  ~Spill();
  Spill(Spill&& other) noexcept;
  Spill& operator=(Spill&& other) noexcept;

  void append(std::string_view piece);
  SpillView view() const { return {file_, file_size_, lost_, memory_}; }
  bool empty() const { return view().empty(); }
  std::size_t in_memory() const { return memory_.size(); }
  bool has_file() const { return file_ >= 0; }
  void clear();  // keeps the file, emptied, for what comes next

 private:
  void move_to_file();

  const std::string* folder_;
  int file_ = -1;
  std::int64_t file_size_ = 0;
  std::int64_t lost_ = 0;
  std::string memory_;
};

// A new file without a name, open for reading and writing; negative where FOLDER takes none.
int open_unlinked(const std::string& folder);

// Hands over all that VIEW holds, in order and in pieces, until USE says false; whether it never did. GAP
// stands for what was lost.
bool for_each_piece(const SpillView& view, const std::function<bool(std::string_view piece)>& use);

}  // namespace furrow::os
