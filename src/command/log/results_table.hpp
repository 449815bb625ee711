// --results NAME.csv, .tsv, .json: one row for each job, with its values and output. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command/arguments.hpp"
#include "command/log/joblog.hpp"
#include "os/files/spill.hpp"

namespace furrow::command {

class ResultsTable {
 public:
  enum class Format : std::uint8_t { kCsv, kTsv, kJson };
  // The format that a file's name implies; false if it implies none.
  static bool is_table(std::string_view name, Format& format);

  // NAMES of the values' columns; empty: V1, V2... HAS_HEADER: the table exists and is continued.
  ResultsTable(Format format, std::vector<std::string> names, bool has_header = false)
      : format_(format), names_(std::move(names)), has_header_(has_header) {}

  // The header line, for jobs with this many VALUES; empty if the format has none, and after the first call.
  std::string header(std::size_t values);
  // Appends a row to ROW.
  void add(const LogEntry& entry, const Arguments& values, const os::SpillView& out, const os::SpillView& err,
           os::Spill& row);

 private:
  void add_field(std::string_view text, os::Spill& row, bool is_last = false);
  void add_stream(const os::SpillView& stream, os::Spill& row, bool is_last);
  void add_delimited(const LogEntry& entry, const Arguments& values, const os::SpillView& out,
                     const os::SpillView& err, os::Spill& row);
  void add_json(const LogEntry& entry, const Arguments& values, const os::SpillView& out,
                const os::SpillView& err, os::Spill& row);
  char separator() const { return format_ == Format::kTsv ? '\t' : ','; }
  std::string field(std::string_view text) const;
  bool needs_quotes(std::string_view text) const;

  const Format format_;
  const std::vector<std::string> names_;
  bool has_header_;
};

}  // namespace furrow::command
