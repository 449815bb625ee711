#include "cli/map/map_values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstring>

#include "base/strings.hpp"
#include "os/files/files.hpp"

namespace furrow::cli {

namespace {

// Removes a number from the start of TEXT and returns it; negative if there is none.
double take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(value)) return -1;
  text.remove_prefix(end - text.data());
  return value;
}

int signal_number(std::string_view name) {
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* const known = ::sigabbrev_np(signal);
    if (known && name == known) return signal;
  }
  const std::int64_t number = whole_number(name).value_or(0);
  return number > 0 && number < NSIG ? static_cast<int>(number) : 0;
}

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \t\n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

}  // namespace

Result<std::int64_t> parse_integer(std::string_view text) {
  const auto value = whole_number(text);
  if (!value) return fail(std::string(text) + " is not a whole number");
  return *value;
}

Result<double> parse_size(std::string_view text) {
  std::string_view rest = text;
  double value = take_number(rest);
  constexpr std::string_view kUnits = "kmgtp";
  if (value >= 0 && !rest.empty()) {
    const bool binary = (rest[0] >= 'A' && rest[0] <= 'Z') || (rest.size() == 2 && rest[1] == 'i');
    const std::size_t power = kUnits.find(static_cast<char>(rest[0] | 0x20));
    if (power == std::string_view::npos || rest.size() > (rest.ends_with('i') ? 2 : 1)) {
      value = -1;
    } else {
      value *= std::pow(binary ? 1024 : 1000, static_cast<double>(power + 1));
    }
  }
  if (value < 0)
    return fail(std::string(text) +
                " is not a number; it may end in K, M, G, T, P (powers of 1024) or k, m, g, t, p");
  return value;
}

Result<double> parse_duration(std::string_view text) {
  double seconds = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const double value = take_number(rest);
    double unit = 1;
    if (!rest.empty()) {
      switch (rest[0] | 0x20) {
        case 's':
          break;
        case 'm':
          unit = 60;
          break;
        case 'h':
          unit = 3600;
          break;
        case 'd':
          unit = 86400;
          break;
        default:
          unit = -1;
      }
      rest.remove_prefix(1);
    }
    if (value < 0 || unit < 0) break;
    seconds += value * unit;
    if (rest.empty()) return seconds;
  }
  return fail(std::string(text) + " is not a duration; write seconds, or parts like 1d2h30m5s");
}

Result<Count> parse_count(const std::string& text) {
  Count count;
  std::string_view rest = text;
  const char sign = rest.empty() ? '\0' : rest[0];
  if (sign == '+' || sign == '-') rest.remove_prefix(1);
  count.value = rest.empty() || rest[0] == '-' ? -1 : take_number(rest);
  count.kind = sign == '+' ? Count::Kind::kMore : sign == '-' ? Count::Kind::kLess : Count::Kind::kNumber;
  if (rest == "%" && count.kind == Count::Kind::kNumber) {
    count.kind = Count::Kind::kPercent;
    rest = {};
  }
  if (count.value >= 0 && rest.empty()) return count;
  // The file is read once, although it may change while jobs run.
  if (os::status(text).kind == os::FileStatus::Kind::kFile) {
    const auto content = FURROW_TRY(os::read_file(text));
    if (trimmed(content) != text) return parse_count(trimmed(content));
  }
  return fail((text.empty() ? "the empty text" : text) +
              " is not one of 8, 50%, +2 and -1, or a file that contains one of these");
}

double Count::of(unsigned cores) const {
  switch (kind) {
    case Kind::kNumber:
      return value;
    case Kind::kPercent:
      return cores * value / 100;
    case Kind::kMore:
      return cores + value;
    case Kind::kLess:
      return cores - value;
  }
  return value;
}

unsigned Count::jobs(unsigned cores) const {
  if (kind == Kind::kNumber && value == 0) return kMostJobs;
  return static_cast<unsigned>(std::clamp(std::ceil(of(cores)), 1.0, 1e6));
}

Result<Halt> parse_halt(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"1", "soon,fail=1"}, {"2", "now,fail=1"}, {"-1", "soon,success=1"}, {"-2", "now,success=1"}};
  if (text == "never" || text == "0") return Halt{};
  for (const auto& [number, meaning] : kShort)
    if (text == number) return parse_halt(meaning);
  std::string rest(text);
  if (text.ends_with('%') && text.find_first_not_of("0123456789%") == std::string_view::npos)
    rest.insert(0, "soon,fail=");
  const std::size_t comma = rest.find(','), equals = rest.find('=');
  if (comma != std::string::npos && equals != std::string::npos && comma < equals) {
    const std::string when = rest.substr(0, comma), why = rest.substr(comma + 1, equals - comma - 1);
    std::string_view limit = std::string_view(rest).substr(equals + 1);
    Halt halt;
    halt.limit = take_number(limit);
    halt.percent = limit == "%";
    halt.when = when == "now" ? Halt::When::kNow : Halt::When::kSoon;
    halt.why = why == "fail" ? Halt::Why::kFail : why == "success" ? Halt::Why::kSuccess : Halt::Why::kDone;
    if ((when == "now" || when == "soon") && (why == "fail" || why == "success" || why == "done") &&
        halt.limit >= 0 && (limit.empty() || halt.percent))
      return halt;
  }
  return fail(std::string(text) +
              " is not of the form now,fail=1; or use soon for now, success or done for fail, 10% for 1");
}

Result<std::vector<SignalStep>> parse_term_sequence(std::string_view text) {
  std::vector<SignalStep> steps;
  const std::vector<std::string> parts = split(text, ',');
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    const int signal = signal_number(parts[i]);
    if (signal == 0) return fail(parts[i] + " is not a signal; write for instance TERM,200,KILL,25");
    std::string_view wait = i + 1 < parts.size() ? std::string_view(parts[i + 1]) : "0";
    const std::string_view all = wait;
    const double milliseconds = take_number(wait);
    if (milliseconds < 0 || !wait.empty()) return fail(std::string(all) + " is not a number of milliseconds");
    steps.push_back({signal, milliseconds / 1000});
  }
  if (steps.empty()) return fail("a signal is missing; write for instance TERM,200,KILL,25");
  return steps;
}

std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result += text[i];
      continue;
    }
    const char c = text[++i];
    constexpr std::string_view kNames = "abfnrtv\\", kBytes = "\a\b\f\n\r\t\v\\";
    if (const std::size_t at = kNames.find(c); at != std::string_view::npos) {
      result += kBytes[at];
      continue;
    }
    unsigned byte = 0;
    const bool hexadecimal = c == 'x';
    const std::string_view digits = text.substr(i + hexadecimal, hexadecimal ? 2 : 3);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), byte, hexadecimal ? 16 : 8);
    if (error != std::errc() || byte > 255) {
      result += '\\';
      result += c;
      continue;
    }
    result += static_cast<char>(byte);
    i = static_cast<std::size_t>(end - text.data()) - 1;
  }
  return result;
}

}  // namespace furrow::cli
