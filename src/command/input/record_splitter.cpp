#include "command/input/record_splitter.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "command/input/record_marks.hpp"
#include "os/files/descriptor.hpp"

namespace furrow::command {

namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::size_t kLookAround = 128 * 1024;  // bytes read around a border of split_file()

}  // namespace

// Not a vector: memory that read() will fill need not be zeroed.
struct Block::Memory {
  // DATA is null if there is not so much memory.
  explicit Memory(std::size_t bytes) : data(new(std::nothrow) char[bytes]), size(bytes) {}
  std::unique_ptr<char[]> data;
  std::size_t size;
};

Block::Block() = default;
Block::Block(Block&&) noexcept = default;
Block& Block::operator=(Block&&) noexcept = default;
Block::~Block() = default;

std::string_view Block::header() const { return header_ ? std::string_view(*header_) : std::string_view(); }
std::string_view Block::data() const {
  return memory_ ? std::string_view(memory_->data.get() + begin_, end_ - begin_) : std::string_view();
}

// Bytes are read into `memory` after `end`; [begin, end) is not given out yet. Blocks share the memory into
// which they were read; when it is full, the rest is copied to the start of another one.
struct RecordSplitter::State {
  State(int descriptor, SplitOptions given) : fd(descriptor), options(std::move(given)) {
    struct stat status {};
    can_block = !(::fstat(fd, &status) == 0 && S_ISREG(status.st_mode));
    // A larger pipe means fewer calls; a refusal does no harm.
    if (can_block) ::fcntl(fd, F_SETPIPE_SZ, 1 << 20);
    block_bytes = std::max<std::uint64_t>(options.block_bytes, 1);
  }

  std::string_view left() const {
    return memory ? std::string_view(memory->data.get() + begin, end - begin) : std::string_view();
  }

  // Memory that no block uses any longer, or new memory.
  Result<std::shared_ptr<Block::Memory>> acquire(std::size_t bytes) {
    for (auto& old : pool)
      if (old.use_count() == 1 && old->size >= bytes) return old;
    std::erase_if(pool, [](const auto& old) { return old.use_count() == 1; });
    auto fresh = std::make_shared<Block::Memory>(bytes);
    if (!fresh->data)
      return fail(Error{"there is no memory for a block of " + std::to_string(bytes) + " bytes", "", 0,
                        "Give a smaller --block, or check that --recend and --recstart cut the input."});
    pool.push_back(fresh);
    return fresh;
  }

  // How much text must be contiguous: a block, or more if a record is longer.
  std::size_t wanted() const {
    const std::size_t kept = end - begin;
    return kept < block_bytes ? block_bytes : kept * 2;
  }

  Result<void> make_room() {
    if (memory && memory->size - begin >= wanted()) return {};
    const std::size_t kept = end - begin;
    auto next = FURROW_TRY(acquire(wanted()));
    if (kept > 0) std::memcpy(next->data.get(), memory->data.get() + begin, kept);
    memory = std::move(next);
    begin = 0;
    end = kept;
    return {};
  }

  Result<Pull> fill() {
    if (can_block) {
      pollfd ready{fd, POLLIN, 0};
      if (::poll(&ready, 1, 0) == 0) return Pull::kNotYet;
    }
    FURROW_TRY(make_room());
    for (;;) {
      const ssize_t got = ::read(fd, memory->data.get() + end, wanted() - (end - begin));
      if (got > 0) {
        end += static_cast<std::size_t>(got);
        return Pull::kValue;
      }
      if (got == 0) {
        ended = true;
        return Pull::kValue;
      }
      if (errno == EAGAIN) return Pull::kNotYet;
      if (errno != EINTR) return fail(system_error("cannot read standard input"));
    }
  }

  bool take_header() {
    if (header_taken) return true;
    std::size_t at = 0;
    for (std::uint64_t lines = 0; lines < options.header_lines; ++lines) {
      const std::size_t newline = left().find('\n', at);
      if (newline == kNone && !ended) return false;
      at = newline == kNone ? left().size() : newline + 1;
    }
    if (at > 0) header = std::make_shared<const std::string>(left().substr(0, at));
    begin += at;
    return header_taken = true;
  }

  // The size of the next block, from the start of what is left; npos: more must be read first.
  std::size_t next_size() {
    const std::string_view text = left();
    if (text.empty()) return ended ? 0 : kNone;
    const std::size_t cut = options.records > 0 ? cut_by_number(text) : cut_by_size(text);
    return cut == kNone && ended ? text.size() : cut;
  }

  std::size_t cut_by_number(std::string_view text) {
    if (scanned == 0 && counted == 0 && !begun) {
      begun = true;
      garbage = marks.begins_with_garbage(text);
    }
    const std::uint64_t wanted = garbage ? 1 : options.records * options.lines;
    while (counted < wanted) {
      const std::size_t at = marks.first(text, scanned, !ended);
      if (at == kNone) return kNone;
      scanned = at;
      ++counted;
    }
    const std::size_t size = scanned;
    scanned = counted = 0;
    garbage = false;
    return size;
  }

  std::size_t cut_by_size(std::string_view text) {
    if (text.size() < block_bytes || ended) return kNone;
    const std::size_t cut = options.lines > 1 ? marks.last_multiple(text, options.lines) : marks.last(text);
    if (cut == kNone || cut == 0) {
      block_bytes = text.size() * 2;  // a record is longer than the block
      return kNone;
    }
    return cut;
  }

  Result<Block> give(std::size_t size) {
    Block block;
    block.header_ = header;
    if (options.remove_separators) {
      const std::string bare = marks.without_marks(left().substr(0, size));
      auto taken = FURROW_TRY(acquire(std::max<std::size_t>(bare.size(), 1)));
      block.memory_ = std::move(taken);
      std::memcpy(block.memory_->data.get(), bare.data(), bare.size());
      block.end_ = bare.size();
    } else {
      block.memory_ = memory;
      block.begin_ = begin;
      block.end_ = begin + size;
    }
    begin += size;
    return block;
  }

  int fd;
  SplitOptions options;
  RecordMarks marks;
  bool can_block = false, ended = false, header_taken = false, begun = false, garbage = false;
  std::uint64_t block_bytes;
  std::vector<std::shared_ptr<Block::Memory>> pool;
  std::shared_ptr<Block::Memory> memory;
  std::size_t begin = 0, end = 0;
  std::size_t scanned = 0;    // by number: how many bytes of what is left were searched
  std::uint64_t counted = 0;  // records found in them
  std::shared_ptr<const std::string> header;
  std::optional<Error> broken;
};

RecordSplitter::RecordSplitter(int fd, SplitOptions options)
    : fd_(fd), state_(std::make_unique<State>(fd, std::move(options))) {
  auto marks = RecordMarks::make(state_->options);
  if (marks) {
    state_->marks = std::move(*marks);
  } else {
    state_->broken = marks.error();
  }
}

RecordSplitter::~RecordSplitter() = default;

Result<Pull> RecordSplitter::next(Block& out) {
  State& state = *state_;
  if (state.broken) return fail(*state.broken);
  out = Block();
  for (;;) {
    const std::size_t size = state.take_header() ? state.next_size() : kNone;
    if (size == 0) return Pull::kEnd;
    if (size != kNone) {
      auto block = FURROW_TRY(state.give(size));
      out = std::move(block);
      return Pull::kValue;
    }
    const auto filled = state.fill();
    if (!filled || *filled == Pull::kNotYet) return filled;
  }
}

namespace {

class FileSplitter {
 public:
  FileSplitter(const std::string& path, int fd, RecordMarks marks)
      : path_(path), fd_(fd), marks_(std::move(marks)) {}

  Result<FileParts> split(const SplitOptions& options, std::uint64_t size) {
    FileParts parts;
    if (auto header = read_header(options.header_lines); header) {
      parts.header = std::move(*header);
    } else {
      return fail(std::move(header.error()));
    }
    const std::uint64_t block = std::max<std::uint64_t>(options.block_bytes, 1);
    std::uint64_t begin = parts.header.size();
    while (begin < size) {
      std::uint64_t end = size;
      if (size - begin > block) {
        const auto border = FURROW_TRY(border_behind(begin + block));
        end = std::min(border, size);
      }
      parts.ranges.push_back({begin, end});
      begin = end;
    }
    return parts;
  }

 private:
  // Appends the text that follows OFFSET; false at the end of the file.
  Result<bool> read_on(std::string& text, std::uint64_t offset) {
    const std::size_t before = text.size();
    text.resize(before + kLookAround);
    ssize_t got;
    do {
      got = ::pread(fd_, text.data() + before, kLookAround, static_cast<off_t>(offset + before));
    } while (got < 0 && errno == EINTR);
    if (got < 0) return fail(system_error("cannot read " + path_));
    text.resize(before + static_cast<std::size_t>(got));
    return got > 0;
  }

  Result<std::string> read_header(std::uint64_t lines) {
    std::string text;
    std::size_t at = 0;
    while (lines > 0) {
      const std::size_t newline = text.find('\n', at);
      if (newline != std::string::npos) {
        at = newline + 1;
        --lines;
        continue;
      }
      const auto more = read_on(text, 0);
      if (!more) return fail(more.error());
      if (!*more) return text;
    }
    return text.substr(0, at);
  }

  // The first position after OFFSET, which is not 0, at which a record ends. Reads one byte before it, too: a
  // regular expression may ask whether a line begins there.
  Result<std::uint64_t> border_behind(std::uint64_t offset) {
    std::string text;
    for (;;) {
      const auto more = read_on(text, offset - 1);
      if (!more) return fail(more.error());
      const std::size_t at = marks_.first(text, 1, *more);
      if (at != kNone) return offset - 1 + at;
      if (!*more) return offset - 1 + text.size();
    }
  }

  const std::string& path_;
  int fd_;
  RecordMarks marks_;
};

}  // namespace

Result<FileParts> split_file(const std::string& path, const SplitOptions& options) {
  auto marks = FURROW_TRY(RecordMarks::make(options));
  const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return fail(system_error("cannot open " + path));
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  struct stat status {};
  if (size < 0 || ::fstat(file.get(), &status) != 0 || !(S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)))
    return fail(Error{path + " is a stream, which cannot be read in parts",
                      {},
                      0,
                      "Use --pipe, and redirect it to standard input."});
  return FileSplitter(path, file.get(), std::move(marks)).split(options, static_cast<std::uint64_t>(size));
}

}  // namespace furrow::command
