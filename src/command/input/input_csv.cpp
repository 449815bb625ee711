#include "command/input/input_csv.hpp"

#include <csv.h>

#include <deque>

#include "command/input/buffered_reader.hpp"
#include "command/input/input_columns.hpp"

namespace furrow::command {

namespace {

// Blanks are part of a field, unless --trim removes them.
int no_space(unsigned char) { return 0; }

class CsvParser {
 public:
  CsvParser(char separator, Trim trim) : trim_(trim) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_space_func(&parser_, no_space);
  }
  ~CsvParser() { csv_free(&parser_); }
  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;

  bool parse(std::string_view bytes) {
    return csv_parse(&parser_, bytes.data(), bytes.size(), on_field, on_row, this) == bytes.size();
  }
  bool finish() { return csv_fini(&parser_, on_field, on_row, this) == 0; }
  std::string problem() { return csv_strerror(csv_error(&parser_)); }

  std::uint64_t rows_read() const { return rows_read_; }
  bool take(Arguments& out) {
    if (rows_.empty()) return false;
    for (std::size_t i = 0; i < rows_.front().size(); ++i) out.add(rows_.front()[i]);
    rows_.pop_front();
    return true;
  }

 private:
  static void on_field(void* data, std::size_t size, void* self) {
    auto& parser = *static_cast<CsvParser*>(self);
    parser.row_.add(trimmed({static_cast<const char*>(data), size}, parser.trim_));
  }
  static void on_row(int, void* self) {
    auto& parser = *static_cast<CsvParser*>(self);
    parser.rows_.push_back(std::move(parser.row_));
    parser.row_.clear();
    ++parser.rows_read_;
  }

  csv_parser parser_{};
  Trim trim_;
  Arguments row_;
  std::deque<Arguments> rows_;
  std::uint64_t rows_read_ = 0;
};

class CsvReader final : public RecordReader {
 public:
  CsvReader(std::unique_ptr<BufferedReader> bytes, char separator, const InputOptions& options)
      : bytes_(std::move(bytes)), parser_(separator, options.trim), end_of_file_(options.end_of_file) {}

  Result<Pull> next(Arguments& out) override {
    for (;;) {
      const std::size_t before = out.size();
      if (parser_.take(out)) {
        if (end_of_file_ && out.size() == before + 1 && out[before] == *end_of_file_) {
          out.shrink_to(before);
          ended_ = true;
          return Pull::kEnd;
        }
        return Pull::kValue;
      }
      if (ended_) return Pull::kEnd;
      auto filled = bytes_->fill();
      if (!filled || *filled == Pull::kNotYet) return filled;
      ended_ = *filled == Pull::kEnd;
      const std::string_view bytes = bytes_->buffered();
      const bool good = ended_ ? parser_.finish() : parser_.parse(bytes);
      if (!good)
        return fail(Error{"record " + std::to_string(parser_.rows_read() + 1) + " of " + bytes_->name() +
                              " is not CSV: " + parser_.problem(),
                          {},
                          0,
                          "Write a quote inside a quoted field twice."});
      bytes_->consume(bytes.size());
    }
  }
  int descriptor() const override { return bytes_->descriptor(); }

 private:
  std::unique_ptr<BufferedReader> bytes_;
  CsvParser parser_;
  std::optional<std::string> end_of_file_;
  bool ended_ = false;
};

class CsvValues final : public RecordReader {
 public:
  CsvValues(std::vector<std::string> values, char separator, Trim trim)
      : values_(std::move(values)), separator_(separator), trim_(trim) {}

  Result<Pull> next(Arguments& out) override {
    if (next_ == values_.size()) return Pull::kEnd;
    const std::string& value = values_[next_++];
    CsvParser parser(separator_, trim_);
    if (!parser.parse(value) || !parser.finish())
      return fail("the value " + value + " is not CSV: " + parser.problem());
    if (!parser.take(out)) out.add("");  // an empty line
    return Pull::kValue;
  }

 private:
  std::vector<std::string> values_;
  char separator_;
  Trim trim_;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordReader>> open_csv_reader(const SourceSpec& source, const InputOptions& options) {
  const std::string separator =
      options.column_separator.empty() ? "," : text::Regex::literal(options.column_separator).value_or("");
  if (separator.size() != 1)
    return fail(Error{"--csv takes one character as --colsep, not " + options.column_separator});
  if (!source.is_file) return std::make_unique<CsvValues>(source.values, separator[0], options.trim);
  auto bytes = FURROW_TRY(open_buffered(source.path));
  return std::make_unique<CsvReader>(std::move(bytes), separator[0], options);
}

}  // namespace furrow::command
