// Any bytes as inputs, as CSV, and as a stream that is cut into blocks: no byte is lost, and a file that is
// split by ranges is covered without gaps.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "command/input/input_source.hpp"
#include "command/input/record_splitter.hpp"
#include "os/files/descriptor.hpp"

namespace {

using namespace furrow::command;

void check(bool claim) {
  if (!claim) std::abort();
}

void read_inputs(const std::string& path, unsigned flags) {
  InputOptions options;
  options.sources.push_back({true, {}, path, false});
  options.csv = flags & 1;
  options.header = flags & 2;
  options.continue_lines = flags & 4;
  options.skip_blank = flags & 8;
  if (flags & 16) options.column_separator = options.csv ? ";" : "[;,]+";
  if (flags & 32) options.delimiter_text = "ab";
  if (flags & 64) options.trim = Trim::kBoth;
  auto source = open_inputs(options);
  Arguments values;
  while (source) {
    const auto pulled = (*source)->next(values);
    if (!pulled || *pulled == Pull::kEnd) return;
    check(*pulled == Pull::kValue && values.size() > 0);
  }
}

void split(int fd, const std::string& path, std::string_view text, unsigned flags) {
  SplitOptions options;
  options.block_bytes = 1 + flags % 7;
  options.records = flags % 3;
  options.lines = 1 + flags % 2;
  options.csv = flags & 1;
  options.regexp = flags & 2;
  if (flags & 4) options.start = ">";
  if (flags & 8) options.end = options.regexp ? "[0-9]+" : "ab";
  if (flags & 16) options.end = "";
  options.header_lines = (flags & 32) ? 1 : 0;
  std::string together;
  check(::lseek(fd, 0, SEEK_SET) == 0);
  RecordSplitter splitter(fd, options);
  for (Block block;;) {
    const auto pulled = splitter.next(block);
    check(pulled.has_value() && *pulled != Pull::kNotYet);
    if (*pulled == Pull::kEnd) break;
    if (together.empty()) together = block.header();
    check(!block.data().empty());
    together += block.data();
  }
  check(together == text || (options.header_lines > 0 && together.empty()));

  const auto parts = split_file(path, options);
  check(parts.has_value());
  std::uint64_t at = parts->header.size();
  for (const FileRange& range : parts->ranges) {
    check(range.begin == at && range.end > range.begin);
    at = range.end;
  }
  check(at == text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const furrow::os::Descriptor memory(::memfd_create("records", MFD_CLOEXEC));
  check(::write(memory.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  const std::string path = "/proc/self/fd/" + std::to_string(memory.get());
  read_inputs(path, data[0]);
  split(memory.get(), path, text, data[0]);
  return 0;
}
