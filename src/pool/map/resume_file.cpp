#include "pool/map/resume_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "os/events/clock.hpp"
#include "pool/bytes_reader.hpp"
#include "pool/task/failure.hpp"

namespace furrow::pool {

namespace {

constexpr double kPatience_s = 2;  // the workers of a killed run hold its lock a little longer than it lives
constexpr const char* kTooShort = "a stored result is too short";
constexpr std::size_t kBuffered = 1 << 16;
constexpr std::size_t kReadAhead = 1 << 20;
constexpr std::int64_t kBetweenWrites_ns = 50'000'000;
constexpr std::int64_t kBetweenSyncs_ns = 1'000'000'000;

// Hashes what is written to it, in blocks whose bounds do not depend on the sizes of the writes.
class Hasher : public Writer {
 public:
  void write(const void* data, std::size_t size) override {
    const auto* bytes = static_cast<const char*>(data);
    while (size > 0) {
      const std::size_t part = std::min(size, kBuffered - block_.size());
      block_.append(bytes, part);
      bytes += part;
      size -= part;
      if (block_.size() == kBuffered) fold();
    }
  }
  std::uint64_t hash() {
    fold();
    return hash_;
  }

 private:
  void fold() {
    hash_ = combine(hash_, hash64(block_));
    block_.clear();
  }
  std::string block_;
  std::uint64_t hash_ = 0;
};

class StringWriter : public Writer {
 public:
  explicit StringWriter(std::string& out) : out_(out) {}
  void write(const void* data, std::size_t size) override {
    out_.append(static_cast<const char*>(data), size);
  }

 private:
  std::string& out_;
};

// Reads a file from start to end, a large part at a time.
class Forward {
 public:
  explicit Forward(const os::LockedFile& file) : file_(file) {}
  // SIZE bytes at OFFSET, which must not decrease from call to call. Fewer at the end of the file.
  std::string_view at(std::uint64_t offset, std::uint64_t size) {
    size = std::min(size, file_.size() - std::min(offset, file_.size()));
    if (offset < begin_ || offset + size > begin_ + bytes_.size()) {
      auto read = file_.read(offset, std::max<std::uint64_t>(size, kReadAhead));
      if (!read) throw PoolError(read.error().message);
      bytes_ = std::move(*read);
      begin_ = offset;
    }
    return std::string_view(bytes_).substr(offset - begin_, size);
  }

 private:
  const os::LockedFile& file_;
  std::uint64_t begin_ = 0;
  std::string bytes_;
};

void check_results(const detail::MapCall& call) {
  if (!call.has_result || call.cross.encode_result) return;
  throw PoolError(
      std::string("a resume file cannot keep the results of this function: ") +
      (call.cross.refusal ? call.cross.refusal : "they cannot be read back after they were stored"));
}

}  // namespace

ResumeFile::ResumeFile(RunningMap& run) : run_(run), path_(run.options.resume.path) {
  check_results(run.call);
  open();
  const ResumeHeader mine = expected();
  if (find_header(mine)) {
    compare(mine);
    restore_all();
    FURROW_LOG(pool, info, "the resume file {} holds {} of {} indices", path_, restored_, header_.indices);
  } else {
    begin(mine);
  }
  run_.number = header_.number;
  written_ns_ = synced_ns_ = os::monotonic_ns();
}

ResumeFile::~ResumeFile() { (void)finish(); }

void ResumeFile::refuse(const std::string& why) const {
  throw PoolError("the resume file " + path_ + " " + why);
}

void ResumeFile::open() {
  auto file = os::LockedFile::open(path_, kPatience_s);
  if (!file) throw PoolError("the resume file cannot be used: " + file.error().message);
  if (!*file) refuse("is in use by another run: wait until that run has ended, or use another file");
  file_ = std::move(*file);
}

ResumeHeader ResumeFile::expected() const {
  const detail::MapCall& call = run_.call;
  ResumeHeader made;
  made.key = run_.options.resume.key;
  made.items = call.items;
  made.indices = call.size;
  made.seed = run_.seed;
  made.number = run_.number;
  made.own_seed = run_.options.seed.has_value();
  made.result_size = call.has_result ? call.cross.result_size : 0;
  made.kind = !call.has_result       ? ResultKind::kNone
              : made.result_size > 0 ? ResultKind::kPlain
                                     : ResultKind::kEncoded;
  if (call.cross.encode_input) {
    made.inputs_hashed = true;
    Hasher hasher;
    for (std::uint64_t i = 0; i < call.size; ++i) call.cross.encode_input(call.object, i, hasher);
    made.inputs = hasher.hash();
  }
  return made;
}

// False if the file is empty, or was cut off while its header was written.
bool ResumeFile::find_header(const ResumeHeader& mine) {
  const auto start = file_->read(0, kReadAhead + mine.key.size());
  if (!start) throw PoolError("the resume file cannot be used: " + start.error().message);
  if (is_begun_header(*start, mine)) return false;
  const ReadHeader read = read_header(*start);
  switch (read.state) {
    case HeaderState::kForeign:
      refuse("is not a resume file: give the path of one, or of a new file");
    case HeaderState::kOtherVersion:
      refuse(
          fmt::format("has format version {}, which this program does not know: use the program that wrote "
                      "it, or remove the file to start anew",
                      read.version));
    case HeaderState::kDamaged:
      refuse("is damaged at its start: remove it to start anew");
    case HeaderState::kWhole:
      break;
  }
  adopt(read);
  return true;
}

void ResumeFile::adopt(const ReadHeader& read) {
  header_ = read.header;
  header_size_ = read.size;
  header_checksum_ = read.checksum;
}

void ResumeFile::begin(const ResumeHeader& mine) {
  const std::string bytes = mine.encode();
  Result<void> state = file_->truncate(0);
  if (state) state = file_->append(bytes);
  if (state) state = file_->sync();
  if (!state) throw PoolError("the resume file cannot be started: " + state.error().message);
  adopt(read_header(bytes));
}

void ResumeFile::compare(const ResumeHeader& mine) const {
  const ResumeHeader& its = header_;
  constexpr const char* kAdvice = ", or remove the file to start anew";
  if (its.key != mine.key)
    refuse(fmt::format("holds results of \"{}\", not of \"{}\": give the key that it was started with{}",
                       its.key, mine.key, kAdvice));
  if (its.items != mine.items || its.indices != mine.indices)
    refuse(fmt::format("belongs to a map of {} items, and this one has {}: give the same inputs{}", its.items,
                       mine.items, kAdvice));
  if (its.inputs_hashed != mine.inputs_hashed || its.inputs != mine.inputs)
    refuse(fmt::format("belongs to a map of other inputs: give the same inputs{}", kAdvice));
  if (its.own_seed != mine.own_seed)
    refuse(fmt::format("was started with the {} seed, and this map has {}: give the same one{}",
                       its.own_seed ? "map's own" : "Pool's", mine.own_seed ? "one of its own" : "the Pool's",
                       kAdvice));
  if (its.seed != mine.seed)
    refuse(fmt::format("was started with seed {}, and this map has {}: give the same seed{}", its.seed,
                       mine.seed, kAdvice));
  if (its.kind != mine.kind || its.result_size != mine.result_size)
    refuse(
        fmt::format("holds results of another type: use the function that it was started with{}", kAdvice));
}

void ResumeFile::restore(IndexRange indices, std::string_view body) {
  const detail::MapCall& call = run_.call;
  for (std::uint64_t index = indices.begin; index < indices.end; ++index) {
    std::uint64_t size = header_.result_size;
    if (header_.kind == ResultKind::kEncoded) {
      BytesReader(body, kTooShort).read(&size, sizeof size);
      body.remove_prefix(sizeof size);
      if (size > body.size()) throw std::runtime_error(kTooShort);
    }
    BytesReader reader(body.substr(0, size), kTooShort);
    body.remove_prefix(size);
    call.cross.store_encoded(call.object, index, reader);
    if (!done_[index]) ++restored_;
    done_[index] = true;
  }
}

void ResumeFile::restore_all() {
  Forward bytes(*file_);
  done_.assign(header_.indices, false);
  std::uint64_t offset = header_size_;
  for (;;) {
    const std::string_view head = bytes.at(offset, kRecordHead);
    if (head.size() < kRecordHead) break;
    const auto record = read_record_head(head, header_);
    if (!record || record->body_size > file_->size() - offset) break;
    const std::uint64_t size = kRecordHead + record->body_size;
    const std::string_view whole = bytes.at(offset, size + kRecordTail);
    if (whole.size() < size + kRecordTail) break;
    if (record_tail(whole.substr(0, size), header_checksum_, offset) != whole.substr(size)) break;
    try {
      restore(record->indices, whole.substr(kRecordHead, record->body_size));
    } catch (const std::exception& error) {
      refuse(
          fmt::format("holds results that cannot be read ({}): use the function that it was started with, or "
                      "remove the file to start anew",
                      error.what()));
    }
    offset += size + kRecordTail;
  }
  if (offset < file_->size()) {
    const Result<void> cut = file_->truncate(offset);
    if (!cut) throw PoolError("the resume file cannot be used: " + cut.error().message);
  }
  select_remaining();
}

void ResumeFile::select_remaining() {
  std::vector<IndexRange> rest;
  for (std::uint64_t index = 0; index < header_.indices; ++index) {
    if (done_[index]) continue;
    if (!rest.empty() && rest.back().end == index)
      ++rest.back().end;
    else
      rest.push_back({index, index + 1});
  }
  std::vector<bool>().swap(done_);
  if (restored_ > 0) run_.only(std::move(rest));
}

// While the map runs.

void ResumeFile::on_failure(const Failure& failure, int) {
  const std::lock_guard lock(mutex_);
  failed_.insert(failure.index / run_.call.block);
}

// INDICES without those that failed.
std::vector<IndexRange> ResumeFile::take_good(IndexRange indices) {
  std::vector<IndexRange> good;
  const std::lock_guard lock(mutex_);
  auto failed = failed_.lower_bound(indices.begin);
  while (failed != failed_.end() && *failed < indices.end) {
    if (indices.begin < *failed) good.push_back({indices.begin, *failed});
    indices.begin = *failed + 1;
    failed = failed_.erase(failed);
  }
  if (!indices.empty()) good.push_back(indices);
  return good;
}

std::string ResumeFile::encode(IndexRange indices) const {
  const detail::MapCall& call = run_.call;
  std::string body;
  StringWriter writer(body);
  for (std::uint64_t index = indices.begin; call.has_result && index < indices.end; ++index) {
    const std::size_t start = body.size();
    if (header_.kind == ResultKind::kEncoded) body.append(sizeof(std::uint64_t), '\0');
    call.cross.encode_result(call.object, index, writer);
    if (header_.kind == ResultKind::kEncoded) {
      const std::uint64_t size = body.size() - start - sizeof(std::uint64_t);
      std::memcpy(body.data() + start, &size, sizeof size);
    }
  }
  return record_head(indices, body.size()) + body;
}

void ResumeFile::on_chunk(const ChunkDone& chunk) {
  try {
    for (const IndexRange& each : take_good(chunk.indices)) keep(encode(each));
  } catch (...) {  // a result cannot be encoded: finish() reports it to the map's caller
    const std::string why = current_failure().message;
    const std::lock_guard lock(mutex_);
    give_up(Error{"a result cannot be written to " + path_ + ": " + why});
  }
}

void ResumeFile::keep(const std::string& head_and_body) {
  const std::lock_guard lock(mutex_);
  if (!state_) return;
  const std::uint64_t offset = file_->size() + buffer_.size();
  buffer_ += head_and_body;
  buffer_ += record_tail(head_and_body, header_checksum_, offset);
  if (buffer_.size() >= kBuffered || os::monotonic_ns() - written_ns_ >= kBetweenWrites_ns) flush();
}

void ResumeFile::flush() {
  if (buffer_.empty() || !state_) return;
  const Result<void> written = file_->append(buffer_);
  buffer_.clear();
  written_ns_ = os::monotonic_ns();
  unsynced_ = true;
  if (!written) give_up(written.error());
}

void ResumeFile::give_up(Error error) {
  if (state_) state_ = fail(std::move(error));
  run_.stop();
}

void ResumeFile::tick() {
  bool sync = false;
  {
    const std::lock_guard lock(mutex_);
    const std::int64_t now = os::monotonic_ns();
    if (now - written_ns_ >= kBetweenWrites_ns) flush();
    if (unsynced_ && now - synced_ns_ >= kBetweenSyncs_ns) {
      sync = true;
      unsynced_ = false;
      synced_ns_ = now;
    }
  }
  if (!sync) return;
  const Result<void> synced = file_->sync();  // slow, so without the lock: workers go on meanwhile
  const std::lock_guard lock(mutex_);
  if (!synced) give_up(synced.error());
}

Result<void> ResumeFile::finish() {
  const std::lock_guard lock(mutex_);
  flush();
  if (unsynced_ && state_) state_ = file_->sync();
  unsynced_ = false;
  return state_;
}

}  // namespace furrow::pool
