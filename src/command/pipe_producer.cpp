#include "command/pipe_producer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace furrow::command {

namespace {

constexpr std::uint64_t kSmallPart = 1 << 20;  // bytes; the most that a pipe holds

plan::Launch::Stream owned(int fd) {
  return plan::Launch::Stream(new int(fd), [](const int* descriptor) {
    ::close(*descriptor);
    delete descriptor;
  });
}

Result<plan::Launch::Stream> stream_range(plan::Launch::Stream file, FileRange range, std::string head,
                                          std::unique_ptr<os::RangePipe>& range_pipe) {
  auto pipe = os::RangePipe::start(std::move(file), range.begin, range.end, std::move(head));
  if (!pipe) return furrow::fail(std::move(pipe.error()));
  range_pipe = *std::move(pipe);
  return owned(range_pipe->take_read_end());
}

std::string read_range(int file, FileRange range) {
  std::string text(range.end - range.begin, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t n =
        ::pread(file, text.data() + have, text.size() - have, static_cast<off_t>(range.begin + have));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  text.resize(have);
  return text;
}

}  // namespace

PipeProducer::PipeProducer(int fd, SplitOptions options, bool with_identities)
    : splitter_(fd, std::move(options)),
      identities_(with_identities ? std::make_unique<JobIdentities>() : nullptr) {}

Result<Pull> PipeProducer::next(MapJob& job) {
  Result<Pull> pulled = splitter_.next(job.block);
  if (!pulled || *pulled != Pull::kValue) return pulled;
  job.values.clear();
  job.input_size = static_cast<std::int64_t>(job.block.header().size() + job.block.data().size());
  if (identities_) {
    Arguments block;
    block.add(fmt::format("{:016x}", block_identity(job.block.data())));
    job.identity = identities_->next(block);
  }
  return pulled;
}

Result<plan::Launch::Stream> PipeProducer::input(MapJob& job) {
  const std::string_view head = job.block.header(), data = job.block.data();
  if (const int fd = os::loaded_pipe(head, data); fd >= 0) return owned(fd);
  const int file = os::memory_file(data);
  if (file < 0) return furrow::fail(system_error("cannot keep a block of the input in memory"));
  return stream_range(owned(file), {0, data.size()}, std::string(head), range_pipes_[job.seq]);
}

Result<std::unique_ptr<PartProducer>> PartProducer::open(const std::vector<std::string>& paths,
                                                         SplitOptions options, std::uint64_t blocks) {
  std::unique_ptr<PartProducer> producer(new PartProducer);
  std::uint64_t total = 0;
  for (const std::string& path : paths) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return furrow::fail(system_error("cannot read " + path));
    producer->files_.push_back(owned(fd));
    const off_t size = ::lseek(fd, 0, SEEK_END);
    if (size < 0) return furrow::fail("--pipe-part needs a file: " + path + " is a stream");
    total += static_cast<std::uint64_t>(size);
  }
  if (blocks > 0) options.block_bytes = std::max<std::uint64_t>(1, (total + blocks - 1) / blocks);
  producer->paths_ = paths;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    auto split = FURROW_TRY(split_file(paths[i], options));
    producer->heads_.push_back(std::move(split.header));
    for (const FileRange range : split.ranges) producer->parts_.push_back({i, range});
  }
  return producer;
}

// A part is identified by its file and range, so that its content need not be read.
Result<Pull> PartProducer::next(MapJob& job) {
  if (next_ == parts_.size()) return Pull::kEnd;
  const Part& part = parts_[next_];
  job.part = next_++;
  job.values.clear();
  job.input_size = static_cast<std::int64_t>(heads_[part.file].size() + part.range.end - part.range.begin);
  job.identity = {
      block_identity(fmt::format("{}\t{}\t{}", paths_[part.file], part.range.begin, part.range.end)), 0};
  return Pull::kValue;
}

Result<plan::Launch::Stream> PartProducer::input(MapJob& job) {
  const Part& part = parts_[job.part];
  const std::string& head = heads_[part.file];
  if (head.size() + part.range.end - part.range.begin <= kSmallPart) {
    if (const int fd = os::loaded_pipe(head, read_range(*files_[part.file], part.range)); fd >= 0)
      return owned(fd);
  }
  return stream_range(files_[part.file], part.range, head, range_pipes_[job.seq]);
}

}  // namespace furrow::command
