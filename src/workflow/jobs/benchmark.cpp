#include "workflow/jobs/benchmark.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <variant>

#include "os/files/files.hpp"
#include "text/json.hpp"

namespace furrow::workflow {

namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;
using Sizes = std::vector<std::pair<std::string, double>>;
using Amounts = std::vector<std::pair<std::string, ResourceValue>>;
// monostate: not measured
using Value = std::variant<std::monostate, std::int64_t, double, std::string, Texts, Sizes, Amounts>;
using Columns = std::vector<std::pair<const char*, Value>>;

std::string clock_text(double seconds) {
  constexpr long kDay = 86400;
  const long whole = static_cast<long>(seconds), days = whole / kDay, rest = whole % kDay;
  const std::string time = fmt::format("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
  return days == 0 ? time : fmt::format("{} day{}, {}", days, days == 1 ? "" : "s", time);
}

Columns columns_of(const plan::Usage& usage) {
  constexpr double kBlocksPerMiB = 2048;
  const double cpu = usage.user_s + usage.system_s;
  // Unknown for a job that ended before it was measured and was smaller than the engine.
  Value max_rss;
  if (usage.max_rss_kb > 0) max_rss = static_cast<double>(usage.max_rss_kb) / 1024;
  return {{"s", std::round(usage.wall_s * 1e4) / 1e4},
          {"h:m:s", clock_text(usage.wall_s)},
          {"max_rss", max_rss},
          {"max_vms", {}},
          {"max_uss", {}},
          {"max_pss", {}},
          {"io_in", static_cast<double>(usage.read_blocks) / kBlocksPerMiB},
          {"io_out", static_cast<double>(usage.write_blocks) / kBlocksPerMiB},
          {"mean_load", usage.wall_s > 0 ? 100 * cpu / usage.wall_s : 0.0},
          {"cpu_time", cpu}};
}

void add_facts(Columns& columns, const plan::Usage& usage, const BenchmarkedJob& job) {
  columns.insert(columns.end(), {{"jobid", job.number},
                                 {"rule_name", job.rule},
                                 {"wildcards", job.wildcards},
                                 {"params", job.params},
                                 {"threads", job.threads},
                                 {"cpu_usage", 100 * (usage.user_s + usage.system_s)},
                                 {"resources", job.resources},
                                 {"input_size_mb", job.input_mb}});
}

struct JsonValue {
  text::JsonWriter& json;

  void operator()(std::monostate) const { json.Null(); }
  void operator()(std::int64_t number) const { json.Int64(number); }
  void operator()(double number) const { json.Double(number); }
  void operator()(const std::string& text) const { text::write(json, text); }
  void operator()(FunctionValue) const { json.Null(); }
  void operator()(const ResourceValue& value) const { std::visit(*this, value); }
  template <class Item>
  void operator()(const std::vector<std::pair<std::string, Item>>& items) const {
    json.StartObject();
    for (const auto& [name, value] : items) {
      text::write_key(json, name);
      (*this)(value);
    }
    json.EndObject();
  }
};

// As Python shows a value.
struct Shown {
  std::string operator()(std::monostate) const { return "-"; }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return fmt::format("{:.2f}", number); }
  std::string operator()(const std::string& text) const { return text; }
  template <class Item>
  std::string operator()(const std::vector<std::pair<std::string, Item>>& items) const {
    std::string text = "{";
    for (const auto& [name, value] : items)
      text += (text.size() > 1 ? ", " : "") + quoted(name) + ": " + inner(value);
    return text + "}";
  }

 private:
  static std::string quoted(const std::string& text) {
    std::string made = "'";
    for (const char c : text) {
      if (c == '\t' || c == '\n' || c == '\'' || c == '\\') made += '\\';
      made += c == '\t' ? 't' : c == '\n' ? 'n' : c;
    }
    return made + "'";
  }
  static std::string inner(const std::string& text) { return quoted(text); }
  static std::string inner(double number) { return fmt::format("{}", number); }
  static std::string inner(const ResourceValue& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    const auto* text = std::get_if<std::string>(&value);
    return text ? quoted(*text) : "None";
  }
};

std::string json_line(const Columns& columns) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.StartObject();
  for (const auto& [name, value] : std::map<std::string, Value>(columns.begin(), columns.end())) {
    text::write_key(json, name);
    std::visit(JsonValue{json}, value);
  }
  json.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::string table_line(const Columns& columns) {
  std::string line;
  for (const auto& [name, value] : columns) {
    if (!line.empty()) line += '\t';
    const auto* seconds = std::get_if<double>(&value);
    line += seconds && std::string_view(name) == "s" ? fmt::format("{:.4f}", *seconds)
                                                     : std::visit(Shown{}, value);
  }
  return line + "\n";
}

std::string header_of(const Columns& columns) {
  std::string line;
  for (const auto& [name, value] : columns) line += (line.empty() ? "" : "\t") + std::string(name);
  return line + "\n";
}

}  // namespace

Result<void> write_benchmark(const std::string& path, std::span<const plan::Usage> runs,
                             const BenchmarkedJob* job) {
  const bool is_json = path.ends_with(".jsonl");
  std::string text;
  for (const plan::Usage& usage : runs) {
    Columns columns = columns_of(usage);
    if (job) add_facts(columns, usage, *job);
    if (text.empty() && !is_json) text = header_of(columns);
    text += is_json ? json_line(columns) : table_line(columns);
  }
  return os::write_file(path, text);
}

}  // namespace furrow::workflow
