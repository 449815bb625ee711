#include "command/input/input_reader.hpp"

#include <algorithm>
#include <cstring>

#include "command/input/buffered_reader.hpp"
#include "command/input/input_columns.hpp"
#include "command/input/input_csv.hpp"

namespace furrow::command {

namespace {

bool is_blank(std::string_view text) { return trimmed(text, Trim::kLeft).empty(); }

Error nul_in(const std::string& where) {
  return Error{where + " has a NUL byte, which an argument of a program cannot contain",
               {},
               0,
               "Are the values separated by NUL? Then use -0."};
}

// The options that apply to a record once it is read: -E, -r, -L, --colsep.
class RecordRules {
 public:
  RecordRules(const InputOptions& options, ColumnSplitter splitter)
      : splitter_(std::move(splitter)),
        end_of_file_(options.end_of_file),
        skip_blank_(options.skip_blank),
        continue_lines_(options.continue_lines) {}

  enum class Verdict { kTaken, kMore, kEnd, kNul };
  // kMore: the record is left out, or continues in the next one.
  Verdict take(std::string_view record, Arguments& out) {
    if (end_of_file_ && record == *end_of_file_) return Verdict::kEnd;
    if (!begun_.empty()) {
      begun_ += record;
      record = begun_;
    }
    if (skip_blank_ && is_blank(record)) return Verdict::kMore;
    if (continue_lines_ && !record.empty() && is_blank(record.substr(record.size() - 1))) {
      if (begun_.empty()) begun_ = record;
      return Verdict::kMore;
    }
    if (record.find('\0') != std::string_view::npos) return Verdict::kNul;
    splitter_.split(record, out);
    begun_.clear();
    return Verdict::kTaken;
  }

  // At the end of the input: whether there was a record that should have continued.
  bool finish(Arguments& out) {
    if (begun_.empty()) return false;
    splitter_.split(begun_, out);
    begun_.clear();
    return true;
  }

 private:
  ColumnSplitter splitter_;
  std::optional<std::string> end_of_file_;
  bool skip_blank_, continue_lines_;
  std::string begun_;
};

class DelimitedReader final : public RecordReader {
 public:
  DelimitedReader(std::unique_ptr<BufferedReader> bytes, const InputOptions& options, RecordRules rules)
      : bytes_(std::move(bytes)),
        rules_(std::move(rules)),
        delimiter_(options.delimiter_text.empty() ? std::string(1, options.delimiter)
                                                  : options.delimiter_text) {}

  Result<Pull> next(Arguments& out) override {
    for (;;) {
      if (ended_) return rules_.finish(out) ? Pull::kValue : Pull::kEnd;
      const auto cut = cut_record();
      if (!cut || *cut == Pull::kNotYet) return cut;
      if (*cut == Pull::kEnd) continue;
      ++number_;
      const RecordRules::Verdict verdict = rules_.take(record_, out);
      bytes_->consume(consume_);
      searched_ = 0;
      if (verdict == RecordRules::Verdict::kTaken) return Pull::kValue;
      if (verdict == RecordRules::Verdict::kEnd) ended_ = true;
      if (verdict == RecordRules::Verdict::kNul)
        return fail(nul_in("record " + std::to_string(number_) + " of " + bytes_->name()));
    }
  }
  int descriptor() const override { return bytes_->descriptor(); }

 private:
  // kValue: record_ is the next record; consume_ bytes of the buffer must be dropped.
  Result<Pull> cut_record() {
    for (;;) {
      const std::string_view buffered = bytes_->buffered();
      const std::size_t at = find(buffered);
      if (at != std::string_view::npos) {
        record_ = buffered.substr(0, at);
        consume_ = at + delimiter_.size();
        return Pull::kValue;
      }
      // The text may end with the start of a delimiter of several bytes.
      searched_ = buffered.size() - std::min(buffered.size(), delimiter_.size() - 1);
      const auto filled = bytes_->fill();
      if (!filled || *filled == Pull::kNotYet) return filled;
      if (*filled == Pull::kValue) continue;
      ended_ = true;
      record_ = bytes_->buffered();
      consume_ = record_.size();
      return record_.empty() ? Pull::kEnd : Pull::kValue;
    }
  }

  std::size_t find(std::string_view buffered) const {
    if (delimiter_.size() > 1) return buffered.find(delimiter_, searched_);
    if (searched_ == buffered.size()) return std::string_view::npos;
    const void* const found =
        std::memchr(buffered.data() + searched_, delimiter_[0], buffered.size() - searched_);
    return found ? static_cast<std::size_t>(static_cast<const char*>(found) - buffered.data())
                 : std::string_view::npos;
  }

  std::unique_ptr<BufferedReader> bytes_;
  RecordRules rules_;
  std::string delimiter_;
  std::string_view record_;
  std::size_t consume_ = 0, searched_ = 0;
  std::uint64_t number_ = 0;
  bool ended_ = false;
};

class ValuesReader final : public RecordReader {
 public:
  ValuesReader(std::vector<std::string> values, RecordRules rules)
      : values_(std::move(values)), rules_(std::move(rules)) {}

  Result<Pull> next(Arguments& out) override {
    while (next_ < values_.size()) {
      const RecordRules::Verdict verdict = rules_.take(values_[next_++], out);
      if (verdict == RecordRules::Verdict::kTaken) return Pull::kValue;
      if (verdict == RecordRules::Verdict::kEnd) next_ = values_.size();
      if (verdict == RecordRules::Verdict::kNul) return fail(nul_in("value " + std::to_string(next_)));
    }
    return rules_.finish(out) ? Pull::kValue : Pull::kEnd;
  }

 private:
  std::vector<std::string> values_;
  RecordRules rules_;
  std::size_t next_ = 0;
};

// The values of `:::`, split at the delimiter of -d. Without -d, a newline in a value is part of it.
std::vector<std::string> cut_values(const SourceSpec& source, const InputOptions& options) {
  const std::string delimiter =
      options.delimiter_text.empty() ? std::string(1, options.delimiter) : options.delimiter_text;
  if (delimiter == "\n" || delimiter[0] == '\0') return source.values;
  std::vector<std::string> values;
  for (const std::string& value : source.values) {
    std::string_view rest = value;
    for (std::size_t at; (at = rest.find(delimiter)) != std::string_view::npos;
         rest.remove_prefix(at + delimiter.size()))
      values.emplace_back(rest.substr(0, at));
    if (!rest.empty() || value.empty()) values.emplace_back(rest);
  }
  return values;
}

}  // namespace

Result<std::unique_ptr<RecordReader>> open_reader(const SourceSpec& source, const InputOptions& options) {
  if (options.csv) return open_csv_reader(source, options);
  auto splitter = FURROW_TRY(ColumnSplitter::make(options));
  RecordRules rules(options, std::move(splitter));
  if (!source.is_file) return std::make_unique<ValuesReader>(cut_values(source, options), std::move(rules));
  auto bytes = FURROW_TRY(open_buffered(source.path));
  return std::make_unique<DelimitedReader>(std::move(bytes), options, std::move(rules));
}

}  // namespace furrow::command
