#include "command/output/collator.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

namespace furrow::command {

namespace {

// How much output may wait in memory, and in how many files, before it moves to the one common file.
constexpr std::size_t kMostWaitingBytes = 8 * 1024 * 1024;
constexpr std::size_t kMostWaitingFiles = 64;
constexpr std::int64_t kBufferBytes = 64 * 1024;

bool ends_line(char c) { return c == '\n' || c == '\r'; }

// Where the whole lines of TEXT end. A lone carriage return ends a line only if TEXT has no newline.
std::size_t whole_lines(std::string_view text) {
  const std::size_t end = text.rfind('\n');
  return (end == std::string_view::npos ? text.rfind('\r') : end) + 1;
}

}  // namespace

Collator::Collator(exec::StreamWriter& out, exec::StreamWriter& err, CollatorOptions options)
    : out_(out), err_(err), options_(std::move(options)) {}

Collator::~Collator() {
  if (parking_ >= 0) ::close(parking_);
}

void Collator::begin(plan::JobId job, std::string tag, std::string head) {
  Held& held = held_.try_emplace(job, options_.folder).first->second;
  held.tag = std::move(tag);
  held.head = std::move(head);
}

void Collator::again(plan::JobId job) { held_.erase(job); }

void Collator::end(plan::JobId job, bool printed) {
  const auto found = held_.try_emplace(job, options_.folder).first;
  Held& held = found->second;
  held.has_ended = true;
  held.is_dropped = !printed;
  if (!options_.keep_order) {
    if (printed) deliver(job, held);
    held_.erase(found);
  } else if (job == next_) {
    advance();
  } else {
    park_if_much(held);
  }
}

// Prints all jobs that have ended and wait for no other, then what the first unfinished one has printed so
// far.
void Collator::advance() {
  for (;;) {
    const auto found = held_.find(next_);
    if (found == held_.end()) return;
    Held& held = found->second;
    if (!held.has_ended) {
      if (options_.by_line) print(held);
      return;
    }
    if (!held.is_dropped) deliver(next_, held);
    waiting_bytes_ -= std::min(waiting_bytes_, held.out.held.in_memory() + held.err.held.in_memory());
    waiting_files_ -=
        std::min(waiting_files_, std::size_t{held.out.held.has_file()} + held.err.held.has_file());
    held_.erase(found);
    ++next_;
    if (parked_streams_ == 0 && parked_end_ > 0 && ::ftruncate(parking_, 0) == 0) parked_end_ = 0;
  }
}

void Collator::finish() {
  std::vector<plan::JobId> waiting;
  for (const auto& [job, held] : held_) {
    if (held.has_ended && !held.is_dropped) waiting.push_back(job);
  }
  std::sort(waiting.begin(), waiting.end());
  for (const plan::JobId job : waiting) deliver(job, held_.at(job));
  held_.clear();
}

void Collator::print(std::string_view text) {
  if (text.empty()) return;
  if (options_.before_output) options_.before_output();
  write_all(text, out_);
}

void Collator::rewrite(plan::JobId job, const Rewrite& use) {
  Held& held = held_.try_emplace(job, options_.folder).first->second;
  os::Spill instead(options_.folder);
  use(held.out.held.view(), held.err.held.view(), instead);
  held.out.held = std::move(instead);
  held.err.held.clear();
  held.tag.clear();
}

std::int64_t Collator::out_size(plan::JobId job) const {
  const auto found = held_.find(job);
  return found == held_.end() ? 0 : found->second.out.size;
}

bool Collator::is_incomplete(plan::JobId job) const {
  const auto found = held_.find(job);
  return found != held_.end() && (found->second.out.all_lost() > 0 || found->second.err.all_lost() > 0);
}

// --- OutputSink, for the executor

void Collator::show(const exec::CapturedOutput& output) {
  Held& held = held_.try_emplace(output.job, options_.folder).first->second;
  for (auto [stream, from] : {std::pair{&held.out, output.out_held}, std::pair{&held.err, output.err_held}}) {
    if (from == nullptr) continue;
    stream->size = from->view().size();
    if (stream->size > 0) stream->held = std::move(*from);
  }
}

void Collator::on_output(plan::JobId job, bool is_err, std::string_view fragment) {
  Held& held = held_.try_emplace(job, options_.folder).first->second;
  Stream& stream = is_err ? held.err : held.out;
  stream.size += static_cast<std::int64_t>(fragment.size());
  if (!is_next(job)) {
    stream.held.append(fragment);
    return;
  }
  print_head(held);
  print_lines(held, stream, fragment, is_err ? err_ : out_);
}

// --- printing

void Collator::deliver(plan::JobId job, Held& held) {
  print(held);
  const bool is_whole = held.out.lost == 0 && held.err.lost == 0;
  if (held.is_delivered && is_whole) delivered_.push_back(job);
  if (is_whole) return;
  has_lost_ = true;
  close();
}

void Collator::print(Held& held) {
  print_head(held);
  print_stream(held, held.out, out_);
  print_stream(held, held.err, err_);
}

void Collator::print_head(Held& held) {
  if (held.head.empty()) return;
  const std::string head = std::exchange(held.head, {});
  write(held, held.out, head, out_);
}

void Collator::print_stream(Held& held, Stream& stream, exec::StreamWriter& to) {
  const auto use = [&](std::string_view fragment) {
    if (options_.by_line) {
      print_lines(held, stream, fragment, to);
    } else {
      write(held, stream, fragment, to);
    }
    return to.error() == 0;
  };
  unpark(held, stream, to);
  if (!stream.held.empty()) {
    stream.lost += stream.held.view().lost;
    if (!os::for_each_fragment(stream.held.view(), use)) held.is_delivered = false;
    stream.held.clear();
  }
  if (held.has_ended && !stream.half.empty()) write(held, stream, std::exchange(stream.half, {}), to);
}

void Collator::print_lines(Held& held, Stream& stream, std::string_view text, exec::StreamWriter& to) {
  const std::size_t whole = whole_lines(text);
  if (whole > 0) {
    if (stream.half.empty()) {
      write(held, stream, text.substr(0, whole), to);
    } else {
      stream.half.append(text.substr(0, whole));
      write(held, stream, stream.half, to);
      stream.half.clear();
    }
  }
  stream.half.append(text.substr(whole));
}

void Collator::write(Held& held, Stream& stream, std::string_view text, exec::StreamWriter& to) {
  if (text.empty()) return;
  if (options_.before_output) options_.before_output();
  if (held.tag.empty()) {
    held.is_delivered &= write_all(text, to);
    return;
  }
  tagged_.clear();
  for (const char c : text) {
    if (!stream.in_line) tagged_ += held.tag;
    tagged_ += c;
    stream.in_line = !ends_line(c);
  }
  held.is_delivered &= write_all(tagged_, to);
}

bool Collator::write_all(std::string_view text, exec::StreamWriter& to) {
  const bool is_written = to.write(text);
  if (out_.error() != 0 || err_.error() != 0) close();
  return is_written;
}

void Collator::close() {
  if (std::exchange(is_closed_, true)) return;
  if (options_.on_closed) options_.on_closed();
}

// --- jobs that wait for their turn

void Collator::park_if_much(Held& held) {
  waiting_bytes_ += held.out.held.in_memory() + held.err.held.in_memory();
  waiting_files_ += std::size_t{held.out.held.has_file()} + held.err.held.has_file();
  if (waiting_bytes_ < kMostWaitingBytes && waiting_files_ < kMostWaitingFiles) return;
  for (auto& [job, other] : held_) {
    if (!other.has_ended) continue;
    park(other.out);
    park(other.err);
  }
  waiting_bytes_ = waiting_files_ = 0;
}

void Collator::park(Stream& stream) {
  if (stream.held.empty()) return;
  if (parking_ < 0) parking_ = os::open_unlinked(options_.folder.empty() ? "/tmp" : options_.folder);
  const std::int64_t begin = parked_end_;
  std::int64_t end = begin;
  const bool kept =
      parking_ >= 0 && os::for_each_fragment(stream.held.view(), [&](std::string_view fragment) {
        while (!fragment.empty()) {
          const ssize_t n = ::pwrite(parking_, fragment.data(), fragment.size(), end);
          if (n < 0 && errno == EINTR) continue;
          if (n <= 0) return false;
          fragment.remove_prefix(static_cast<std::size_t>(n));
          end += n;
        }
        return true;
      });
  if (!kept) return;  // the output stays in its own file
  parked_end_ = end;
  stream.parked = {begin, end - begin};
  stream.held = os::Spill(options_.folder);
  ++parked_streams_;
}

void Collator::unpark(Held& held, Stream& stream, exec::StreamWriter& to) {
  if (stream.parked.size == 0) return;
  std::string buffer(static_cast<std::size_t>(std::min(kBufferBytes, stream.parked.size)), '\0');
  while (stream.parked.size > 0) {
    const auto wanted = static_cast<std::size_t>(std::min(kBufferBytes, stream.parked.size));
    const ssize_t n = ::pread(parking_, buffer.data(), wanted, stream.parked.begin);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      stream.lost += stream.parked.size;
      break;
    }
    const std::string_view fragment(buffer.data(), static_cast<std::size_t>(n));
    if (options_.by_line) {
      print_lines(held, stream, fragment, to);
    } else {
      write(held, stream, fragment, to);
    }
    stream.parked.begin += n;
    stream.parked.size -= n;
  }
  --parked_streams_;
}

}  // namespace furrow::command
