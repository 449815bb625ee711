#include "command/log/results_table.hpp"

#include <fmt/format.h>

#include "base/json_text.hpp"
#include "base/strings.hpp"

namespace furrow::command {

namespace {

std::string with_doubled_quotes(std::string_view text) {
  std::string doubled;
  for (const char c : text) doubled.append(c == '"' ? 2 : 1, c);
  return doubled;
}

}  // namespace

bool ResultsTable::is_table(std::string_view name, Format& format) {
  for (const auto& [ending, meant] : {std::pair(".csv", Format::kCsv), std::pair(".tsv", Format::kTsv),
                                      std::pair(".json", Format::kJson)}) {
    if (!name.ends_with(ending)) continue;
    format = meant;
    return true;
  }
  return false;
}

void ResultsTable::add(const LogEntry& entry, const Arguments& values, const os::SpillView& out,
                       const os::SpillView& err, os::Spill& row) {
  if (format_ == Format::kJson) return add_json(entry, values, out, err, row);
  add_delimited(entry, values, out, err, row);
}

std::string ResultsTable::header(std::size_t values) {
  if (format_ == Format::kJson || has_header_) return {};
  has_header_ = true;
  std::vector<std::string> names{"Seq",     "Host",    "Starttime", "JobRuntime", "Send",
                                 "Receive", "Exitval", "Signal",    "Command"};
  for (std::size_t i = 0; i < values; ++i)
    names.push_back(i < names_.size() ? names_[i] : fmt::format("V{}", i + 1));
  names.insert(names.end(), {"Stdout", "Stderr"});
  for (std::string& name : names) name = field(name);
  return join(names, std::string(1, separator())) + "\n";
}

bool ResultsTable::needs_quotes(std::string_view text) const {
  return text.find_first_of(std::string_view(" \t\n\r\f\v\"\0", 8)) != std::string_view::npos ||
         text.find(separator()) != std::string_view::npos;
}

std::string ResultsTable::field(std::string_view text) const {
  return needs_quotes(text) ? "\"" + with_doubled_quotes(text) + "\"" : std::string(text);
}

void ResultsTable::add_field(std::string_view text, os::Spill& row, bool is_last) {
  row.append(field(text));
  const char end = is_last ? '\n' : separator();
  row.append({&end, 1});
}

void ResultsTable::add_stream(const os::SpillView& stream, os::Spill& row, bool is_last) {
  if (stream.file_size == 0 && stream.lost == 0) return add_field(stream.rest, row, is_last);
  row.append("\"");
  os::for_each_fragment(stream, [&row](std::string_view fragment) {
    row.append(with_doubled_quotes(fragment));
    return true;
  });
  row.append("\"");
  const char end = is_last ? '\n' : separator();
  row.append({&end, 1});
}

void ResultsTable::add_delimited(const LogEntry& entry, const Arguments& values, const os::SpillView& out,
                                 const os::SpillView& err, os::Spill& row) {
  add_field(std::to_string(entry.seq), row);
  add_field(":", row);
  add_field(fmt::format("{:.3f}", entry.started_at), row);
  add_field(fmt::format("{:.3f}", entry.wall_s), row);
  for (const std::int64_t number :
       {entry.sent, entry.received, std::int64_t{entry.status}, std::int64_t{entry.signal}})
    add_field(std::to_string(number), row);
  add_field(entry.command, row);
  for (std::size_t i = 0; i < values.size(); ++i) add_field(values[i], row);
  add_stream(out, row, false);
  add_stream(err, row, true);
}

void ResultsTable::add_json(const LogEntry& entry, const Arguments& values, const os::SpillView& out,
                            const os::SpillView& err, os::Spill& row) {
  row.append(fmt::format(
      R"({{ "Seq": {}, "Host": ":", "Starttime": {:.3f}, "JobRuntime": {:.3f}, "Send": {}, "Receive": {}, )"
      R"("Exitval": {}, "Signal": {}, "Command": "{}", "V": [ )",
      entry.seq, entry.started_at, entry.wall_s, entry.sent, entry.received, entry.status, entry.signal,
      json_text(entry.command)));
  for (std::size_t i = 0; i < values.size(); ++i)
    row.append(fmt::format("{}\"{}\"", i == 0 ? "" : ",", json_text(values[i])));
  const auto add_text = [&row](const os::SpillView& stream) {
    JsonTextEscaper escaper;
    os::for_each_fragment(stream, [&](std::string_view fragment) {
      row.append(escaper.append(fragment));
      return true;
    });
    row.append(escaper.finish());
  };
  row.append(R"( ], "Stdout": ")");
  add_text(out);
  row.append(R"(", "Stderr": ")");
  add_text(err);
  row.append("\" }\n");
}

}  // namespace furrow::command
