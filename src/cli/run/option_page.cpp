#include "cli/run/option_page.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <vector>

#include "base/strings.hpp"
#include "cli/run/other_options.hpp"
#include "cli/run/run_option_table.hpp"

namespace furrow::cli {

namespace {

constexpr const char* kBegin =
    "# All options of `furrow run`\n\n"
    "Furrow knows every option name of Snakemake 7 and 9, on the command line and in a profile. This page is "
    "made by\n"
    "`furrow run --print-options`. [`furrow run`](run.md) explains the usual ones.\n\n"
    "## Options that work\n\n";
constexpr const char* kAccepted =
    "\n## Options that are accepted and have no effect\n\n"
    "They cannot change which jobs run, what the jobs see, or which files result. Where you type one, a line "
    "says so; in a\n"
    "profile it passes without a word.\n\n";
constexpr const char* kRefused =
    "\n## Options that are refused\n\n"
    "A run with one of them does not start. In a profile, `OPTION: false` turns an option off.\n\n";

// A bar ends a cell of a table; outside of code, "<" would begin a tag.
std::string cell(std::string_view text, bool is_code = false) {
  std::string shown;
  for (const char c : text) {
    if (c == '|') {
      shown += "\\|";
    } else if (c == '<' && !is_code) {
      shown += "&lt;";
    } else {
      shown += c;
    }
  }
  return shown;
}

std::string in_code(const std::vector<std::string>& names, const std::string& value) {
  std::vector<std::string> shown;
  for (const std::string& name : names) shown.push_back("`" + name + "`");
  std::string text = join(shown, ", ");
  if (!value.empty()) text += " `" + cell(value, true) + "`";
  return text;
}

std::string row(const std::string& names, const std::string& text) {
  return "| " + names + " | " + text + " |\n";
}

std::vector<std::string> names_of(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return names;
}

std::string table(const std::string& title, const std::string& rows) {
  return row(title, "what it does") + "| --- | --- |\n" + rows;
}

std::string working_options() {
  CLI::App app;
  app.set_help_flag("-h,--help", "print this help and exit");
  app.set_version_flag("-v,--version", "", "print the version and exit");
  RunParsedArgs args;
  add_run_options(app, args);
  std::vector<std::string> groups;
  std::map<std::string, std::string> rows;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty() || option->get_lnames().empty()) continue;
    auto& text = rows[option->get_group()];
    if (text.empty()) groups.push_back(option->get_group());
    text += row(in_code(names_of(*option), option->get_type_name()), cell(option->get_description()));
  }
  std::string text;
  for (const std::string& group : groups)
    text +=
        table(group == "Options" || group == "OPTIONS" ? "option" : "option: " + cell(group), rows[group]) +
        "\n";
  text.pop_back();
  return text;
}

std::string other_rows(bool is_refused) {
  std::vector<std::string> rows;
  for (const OtherOption& option : other_options()) {
    if (option.accepts.empty() != is_refused) continue;
    std::string text(option.text);
    if (!option.accepts.empty() && option.accepts != "*")
      text += " (accepted: " + std::string(option.accepts) + ")";
    rows.push_back(row(in_code(split(std::string(option.names), ','), ""), cell(text)));
  }
  return join(rows, "");
}

}  // namespace

std::string option_page() {
  return kBegin + working_options() + kAccepted + "| option | why |\n| --- | --- |\n" + other_rows(false) +
         kRefused + "| option | why, and what to do instead |\n| --- | --- |\n" + other_rows(true);
}

}  // namespace furrow::cli
