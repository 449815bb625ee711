#include "command/template/template_names.hpp"

#include <algorithm>
#include <array>

#include "base/strings.hpp"
#include "command/template/template_value.hpp"

namespace furrow::command {

namespace {

constexpr std::string_view kNameChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
constexpr std::size_t kLetters = 53;
// Programs for awk that are one word.
constexpr auto kAwk = std::to_array<std::string_view>({"exit", "getline", "next", "nextfile", "print"});
// What a job has once, however many values it has.
constexpr auto kOfJob = std::to_array<std::string_view>({"#", "%", "seed"});
constexpr auto kOfJobWithPlus =
    std::to_array<std::string_view>({"##", "%%", "0#", "0%", "agrp", "hgrp", "host", "slot", "sshlogin"});

template <class Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// In code, short words are close to each other by chance.
bool is_close(std::string_view name, std::string_view column) {
  constexpr std::size_t kShort = 3;
  return !column.empty() && std::min(name.size(), column.size()) >= kShort &&
         (name.size() > kShort || column.starts_with(name) || name.starts_with(column));
}

}  // namespace

std::optional<Error> unknown_column(std::string_view content, const std::vector<std::string>& names,
                                    bool may_be_code) {
  const std::size_t end = std::min(content.find_first_not_of(kNameChars), content.size());
  const std::string_view name = content.substr(0, end);
  if (name.empty() || kNameChars.substr(0, kLetters).find(name[0]) == std::string_view::npos)
    return std::nullopt;
  if (const auto form = ValueForm::parse(content.substr(end), false); !form || !*form) return std::nullopt;
  if (is_one_of(kAwk, content)) return std::nullopt;
  const std::string near = nearest(name, names);
  if (may_be_code && !is_close(name, near)) return std::nullopt;
  std::vector<std::string> known;
  std::copy_if(names.begin(), names.end(), std::back_inserter(known),
               [](const auto& text) { return !text.empty(); });
  return Error{"{" + std::string(content) + "}: no column is called " + std::string(name) +
                   "; the columns are " + join(known, ", "),
               "", 0,
               near.empty()
                   ? "If it is meant as text, put the brace in quotes: '{'" + std::string(content) + "}."
                   : "Did you mean {" + near + std::string(content.substr(end)) + "}?"};
}

std::optional<Error> needless_position(std::string_view content, std::string_view form, bool plus) {
  if (!is_one_of(kOfJob, form) && !(plus && is_one_of(kOfJobWithPlus, form))) return std::nullopt;
  return Error{"{" + std::string(content) + "}: " + std::string(form) +
                   " belongs to the job, not to one of its values",
               "", 0, "Write {" + std::string(form) + "}."};
}

}  // namespace furrow::command
