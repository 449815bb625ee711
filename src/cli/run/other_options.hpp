// Options of Snakemake 7 and 9 that do nothing in Furrow: some are accepted, since they could not change which
// jobs run, what the jobs see, or which files result; the others are refused.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace furrow::cli {

struct OtherOption {
  enum class Values : std::uint8_t { kNone, kOne, kAtMostOne, kSeveral };
  // With dashes, separated by commas.
  std::string_view names;
  Values values;
  // "*": accepted; "": refused; else the values that are accepted, separated by spaces.
  std::string_view accepts;
  // Accepted: why it has no effect. Refused: why, and how to get the same.
  std::string_view text;
};

std::span<const OtherOption> other_options();

// "--a" of "-x,--a,--b".
std::string first_long_name(std::string_view names);

// NAME with dashes; null if there is no such option.
const OtherOption* find_other_option(std::string_view name);

// Why the option with these VALUES is refused, as a whole message; empty if it is accepted.
std::string refusal(const OtherOption& option, std::string_view name, std::span<const std::string> values);

}  // namespace furrow::cli
