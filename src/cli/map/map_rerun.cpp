#include "cli/map/map_rerun.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/strings.hpp"
#include "command/log/results_table.hpp"

namespace furrow::cli {

namespace {

// The longest line that is offered.
constexpr std::size_t kLongestLine = 2000;
// They shape the commands, which a log has as they were run.
constexpr auto kOfTemplates = std::to_array<std::string_view>({"I", "replace", "plus", "quote", "seed"});

bool is_separator(std::string_view word) {
  if (word.ends_with('+')) word.remove_suffix(1);
  return word == ":::" || word == "::::";
}

bool may_stand(std::string_view value) {
  return !is_separator(value) && value.find('\0') == std::string_view::npos;
}

class Rerun {
 public:
  Rerun(const MapCommandOptions& options, const MapPlan& plan, const std::vector<std::string>& names,
        const std::vector<FailedInput>& failed)
      : options_(options), plan_(plan), names_(names), failed_(failed) {}

  std::string advice() const {
    if (options_.pipe != MapCommandOptions::Pipe::kNo)
      return has_log()
                 ? "  The same command with --resume-failed, on the same input, runs just those again.\n"
                 : "  With --joblog FILE, --resume-failed on the same input runs just those again.\n";
    std::string line = has_log() && log_says_it() ? by_log() : by_values();
    if (!line.empty() && line.size() <= kLongestLine) return "  Run just those again: " + line + "\n";
    if (has_log()) return "  The same command with --resume-failed runs just those again.\n";
    return plan_.has_texts_of_jobs ? "  With --joblog FILE, --resume-failed runs just those again.\n"
                                   : "  With --joblog FILE, --retry-failed runs just those again.\n";
  }

 private:
  bool has_log() const { return options_.joblog && *options_.joblog != "-"; }

  // The log may hold failures of other runs, and it has no values.
  bool log_says_it() const {
    const bool is_shared = options_.joblog_append || options_.resume || options_.resume_failed;
    return options_.retry_failed || (!is_shared && !plan_.has_texts_of_jobs);
  }

  std::string by_log() const {
    std::string line = "furrow map";
    for (const RepeatedOption& option : options_.repeated) {
      if (std::find(kOfTemplates.begin(), kOfTemplates.end(), option.name) == kOfTemplates.end())
        line += " " + option.words;
    }
    return line + " --joblog " + shell_quote(*options_.joblog) + " --retry-failed";
  }

  bool line_says_it() const {
    const auto is_plain = [this](const FailedInput& input) {
      for (std::size_t i = 0; i < input.values.size(); ++i)
        if (!may_stand(input.values[i])) return false;
      return input.occurrence == 0 && input.values.size() == failed_.front().values.size();
    };
    return !failed_.empty() && !failed_.front().values.empty() && options_.batches.max_records == 1 &&
           !plan_.uses_number && !overwrites_table() &&
           std::all_of(failed_.begin(), failed_.end(), is_plain) &&
           std::none_of(options_.command.begin(), options_.command.end(), is_separator);
  }

  // Without a log, a second run makes the table anew.
  bool overwrites_table() const {
    command::ResultsTable::Format format;
    return !has_log() && options_.results && !options_.results->starts_with("-.") &&
           command::ResultsTable::is_table(*options_.results, format);
  }

  std::string by_values() const {
    if (!line_says_it()) return {};
    std::string line = "furrow map";
    for (const RepeatedOption& option : options_.repeated) line += " " + option.words;
    if (const std::string number = records(); !number.empty()) line += " " + number;
    if (has_log()) line += " --joblog " + shell_quote(*options_.joblog) + " --resume-failed";
    if (!names_.empty()) line += " --header :";
    if (!options_.command.empty() && options_.command.front().starts_with('-')) line += " --";
    for (const std::string& word : options_.command) line += " " + shell_quote(word);
    for (std::size_t i = 0; i < failed_.front().values.size(); ++i) {
      line += i == 0 ? " :::" : " :::+";
      if (i < names_.size()) line += " " + shell_quote(names_[i]);
      for (const FailedInput& input : failed_) line += " " + shell_quote(input.values[i]);
    }
    return line;
  }

  std::string records() const {
    const command::TemplateOptions& templates = options_.templates;
    if (templates.no_values) return templates.repeat_context ? "-N0" : "-n0";
    return templates.repeat_context ? "-N1" : "";
  }

  const MapCommandOptions& options_;
  const MapPlan& plan_;
  const std::vector<std::string>& names_;
  const std::vector<FailedInput>& failed_;
};

}  // namespace

std::string rerun_advice(const MapCommandOptions& options, const MapPlan& plan,
                         const std::vector<std::string>& names, const std::vector<FailedInput>& failed) {
  return Rerun(options, plan, names, failed).advice();
}

}  // namespace furrow::cli
