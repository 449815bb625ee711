#include "command/log/past_jobs.hpp"

#include <algorithm>
#include <charconv>

#include "base/hash.hpp"

namespace furrow::command {

namespace {

constexpr int kColumnsBeforeCommand = 8;

bool take_field(std::string_view& rest, std::string_view& field) {
  const std::size_t end = rest.find('\t');
  if (end == std::string_view::npos) return false;
  field = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return true;
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  return std::from_chars(text.data(), text.data() + text.size(), number).ec == std::errc();
}

std::string with_line_ends(std::string_view command) {
  std::string text(command);
  std::replace(text.begin(), text.end(), '\0', '\n');
  return text;
}

}  // namespace

bool parse_log_line(std::string_view line, bool usage, PastJob& job) {
  std::string_view fields[kColumnsBeforeCommand];
  for (std::string_view& field : fields) {
    if (!take_field(line, field)) return false;
  }
  int status = 0, signal = 0;
  if (!parse(fields[0], job.seq) || !parse(fields[4], job.sent) || !parse(fields[6], status) ||
      !parse(fields[7], signal))
    return false;
  for (int column = 0; usage && column < 3; ++column) {
    const std::size_t tab = line.rfind('\t');
    if (tab == std::string_view::npos) return false;
    line = line.substr(0, tab);
  }
  job.ok = status == 0 && signal == 0;
  job.command = line;
  return true;
}

void PastJobs::add(const PastJob& job) {
  if (job.has_key) {
    by_key_.push_back({job.key, job.ok});
    return;
  }
  Keyless& line = keyless_[hash64(with_line_ends(job.command))];
  ++line.count;
  ++keyless_lines_;
  line.ok = job.ok;
}

void PastJobs::finish() {
  std::stable_sort(by_key_.begin(), by_key_.end(),
                   [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < by_key_.size(); ++i) {
    if (kept > 0 && by_key_[kept - 1].key == by_key_[i].key) {
      by_key_[kept - 1] = by_key_[i];
    } else {
      by_key_[kept++] = by_key_[i];
    }
  }
  by_key_.resize(kept);
}

PastJobs::Before PastJobs::by_key(std::uint64_t key) const {
  const auto found = std::lower_bound(by_key_.begin(), by_key_.end(), key,
                                      [](const Keyed& a, std::uint64_t wanted) { return a.key < wanted; });
  if (found == by_key_.end() || found->key != key) return Before::kNever;
  return found->ok ? Before::kWell : Before::kFailed;
}

PastJobs::Before PastJobs::take_command(std::string_view command) {
  const auto found = keyless_.find(hash64(command));
  if (found == keyless_.end()) return Before::kNever;
  const bool ok = found->second.ok;
  if (--found->second.count == 0) keyless_.erase(found);
  return ok ? Before::kWell : Before::kFailed;
}

}  // namespace furrow::command
