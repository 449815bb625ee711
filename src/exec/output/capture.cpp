#include "exec/output/capture.hpp"

#include <unistd.h>

#include <algorithm>

namespace furrow::exec {

namespace {

std::string end_of(const CapturedStream& stream, std::size_t most) {
  const std::size_t from_memory = std::min(most, stream.rest.size());
  const std::int64_t from_file = std::min(static_cast<std::int64_t>(most - from_memory), stream.file_size);
  std::string text(static_cast<std::size_t>(from_file), '\0');
  if (from_file > 0) {
    const ssize_t n = ::pread(stream.file, text.data(), text.size(), stream.file_size - from_file);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  }
  return text.append(stream.rest.substr(stream.rest.size() - from_memory));
}

}  // namespace

Result<void> Capture::open(bool one_stream, plan::JobId job) {
  auto opened = out_.open(job);
  if (opened && !one_stream) opened = err_.open(job);
  return opened;
}

void Capture::close_write_ends() {
  out_.close_write_end();
  err_.close_write_end();
}

void Capture::finish() {
  out_.finish();
  err_.finish();
}

std::string Capture::tail(std::size_t most) const {
  const std::string errors = end_of(err(), most);
  return end_of(out(), most - errors.size()) + errors;
}

void Capture::clear() {
  out_.clear();
  err_.clear();
}

}  // namespace furrow::exec
