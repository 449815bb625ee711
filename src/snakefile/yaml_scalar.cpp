#include "snakefile/yaml_scalar.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "text/json.hpp"

namespace furrow::snakefile {

using text::write;

namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_true(std::string_view text) {
  return is_one_of(text, {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"});
}
bool is_false(std::string_view text) {
  return is_one_of(text, {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"});
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}
constexpr std::string_view kDecimal = "0123456789_";

bool take_sign(std::string_view& text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (negative || (!text.empty() && text[0] == '+')) text.remove_prefix(1);
  return negative;
}

// One or more ":MM" groups, each of one or two digits below 60.
bool is_sexagesimal_tail(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    if (text[0] != ':') return false;
    text.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < 2 && digits < text.size() && is_digit(text[digits])) ++digits;
    if (digits == 0 || (digits == 2 && text[0] > '5')) return false;
    text.remove_prefix(digits);
  }
  return true;
}

bool is_integer(std::string_view text) {
  take_sign(text);
  if (text.empty() || !is_digit(text[0])) return false;
  if (text.substr(0, 2) == "0b") return text.size() > 2 && only(text.substr(2), "01_");
  if (text.substr(0, 2) == "0x") return text.size() > 2 && only(text.substr(2), "0123456789abcdefABCDEF_");
  if (text[0] == '0') return only(text.substr(1), "01234567_");
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return only(text, kDecimal);
  return only(text.substr(0, colon), kDecimal) && is_sexagesimal_tail(text.substr(colon));
}

// Empty, or an exponent. YAML 1.1 requires its sign.
bool is_exponent(std::string_view text) {
  if (text.empty()) return true;
  return text.size() >= 3 && (text[0] == 'e' || text[0] == 'E') && (text[1] == '+' || text[1] == '-') &&
         only(text.substr(2), "0123456789");
}

bool is_float(std::string_view text) {
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return true;
  const std::string_view whole = text;
  take_sign(text);
  if (is_one_of(text, {".inf", ".Inf", ".INF"})) return true;
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view head = text.substr(0, dot), tail = text.substr(dot + 1);
  const std::size_t fraction = std::min(tail.find_first_not_of(kDecimal), tail.size());
  if (head.empty())
    return whole.size() == text.size() && fraction > 0 && is_digit(tail[0]) &&
           is_exponent(tail.substr(fraction));
  if (!is_digit(head[0])) return false;
  if (const std::size_t colon = head.find(':'); colon != std::string_view::npos) {
    return only(head.substr(0, colon), kDecimal) && is_sexagesimal_tail(head.substr(colon)) &&
           fraction == tail.size();
  }
  return only(head, kDecimal) && is_exponent(tail.substr(fraction));
}

// Removes MIN to MAX digits from the front of TEXT.
bool take_digits(std::string_view& text, std::size_t min, std::size_t max) {
  std::size_t count = 0;
  while (count < max && count < text.size() && is_digit(text[count])) ++count;
  text.remove_prefix(count);
  return count >= min;
}

bool take(std::string_view& text, std::string_view one_of) {
  if (text.empty() || one_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// Empty, or "Z", or an offset such as "+02:00", after blanks.
bool is_zone(std::string_view text) {
  while (take(text, " \t")) continue;
  if (text.empty() || text == "Z") return true;
  if (!take(text, "+-") || !take_digits(text, 1, 2)) return false;
  const bool has_colon = take(text, ":");
  return text.empty() ? !has_colon : take_digits(text, 2, 2) && text.empty();
}

// "2020-01-31", or a time of the day behind it: "2020-01-31T12:00:00.5Z".
bool is_time(std::string_view text) {
  if (text.size() < 10 || text[4] != '-') return false;
  const bool is_full = text.size() == 10 && text[7] == '-';
  if (!take_digits(text, 4, 4) || !take(text, "-")) return false;
  if (is_full) return take_digits(text, 2, 2) && take(text, "-") && take_digits(text, 2, 2);
  if (!take_digits(text, 1, 2) || !take(text, "-") || !take_digits(text, 1, 2)) return false;
  if (!take(text, "Tt")) {
    if (!take(text, " \t")) return false;
    while (take(text, " \t")) continue;
  }
  if (!take_digits(text, 1, 2) || !take(text, ":") || !take_digits(text, 2, 2) || !take(text, ":") ||
      !take_digits(text, 2, 2))
    return false;
  if (take(text, ".")) take_digits(text, 0, text.size());
  return is_zone(text);
}

std::string without_underscores(std::string_view text) {
  std::string digits(text);
  std::erase(digits, '_');
  return digits;
}

// A whole number of any size.
class Whole {
 public:
  // value * FACTOR + SUMMAND
  void append(std::uint32_t factor, std::uint32_t summand) {
    std::uint64_t carry = summand;
    for (std::uint32_t& group : groups_) {
      carry += std::uint64_t{group} * factor;
      group = static_cast<std::uint32_t>(carry % kGroup);
      carry /= kGroup;
    }
    if (carry != 0) groups_.push_back(static_cast<std::uint32_t>(carry));
  }
  std::string decimal(bool negative) const {
    if (groups_.empty()) return "0";
    std::string text = (negative ? "-" : "") + std::to_string(groups_.back());
    for (auto group = groups_.rbegin() + 1; group != groups_.rend(); ++group) {
      const std::string digits = std::to_string(*group);
      text.append(kGroupDigits - digits.size(), '0').append(digits);
    }
    return text;
  }

 private:
  static constexpr std::uint32_t kGroup = 1'000'000'000;
  static constexpr std::size_t kGroupDigits = 9;
  std::vector<std::uint32_t> groups_;  // of decimal digits, the last ones first
};

// The longest that is read in another base than ten, since that takes time with the square of the length.
constexpr std::size_t kMostDigits = 20'000;

std::optional<std::string> radix_to_json(std::string_view digits, std::uint32_t radix, bool negative) {
  if (digits.size() > kMostDigits) return std::nullopt;
  Whole value;
  for (const char c : digits) {
    const std::uint32_t digit = static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    if (digit >= radix) return std::nullopt;
    value.append(radix, digit);
  }
  return value.decimal(negative);
}

// "1:30:15" -> 1*3600 + 30*60 + 15.
std::optional<std::string> sexagesimal_integer(std::string_view digits, bool negative) {
  if (digits.size() > kMostDigits) return std::nullopt;
  Whole value;
  std::size_t end = std::min(digits.find(':'), digits.size());
  for (const char c : digits.substr(0, end)) value.append(10, static_cast<std::uint32_t>(c - '0'));
  while (end < digits.size()) {
    const std::size_t begin = end + 1;
    end = std::min(digits.find(':', begin), digits.size());
    std::uint32_t part = 0;
    for (const char c : digits.substr(begin, end - begin))
      part = part * 10 + static_cast<std::uint32_t>(c - '0');
    value.append(60, part);
  }
  return value.decimal(negative);
}

std::optional<std::string> number_text(double value) {
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  json.Double(value);
  return std::string(buffer.GetString(), buffer.GetSize());
}

// "1:30:15" -> 1*3600 + 30*60 + 15.
double sexagesimal(const std::string& text) {
  double value = 0;
  std::size_t begin = 0;
  for (;;) {
    const std::size_t colon = text.find(':', begin);
    value = value * 60 + std::strtod(text.substr(begin, colon - begin).c_str(), nullptr);
    if (colon == std::string::npos) return value;
    begin = colon + 1;
  }
}

std::optional<std::string> integer_to_json(std::string_view text) {
  const bool negative = take_sign(text);
  const std::string digits = without_underscores(text);
  if (digits.starts_with("0b")) return radix_to_json(digits.substr(2), 2, negative);
  if (digits.starts_with("0x")) return radix_to_json(digits.substr(2), 16, negative);
  if (digits.size() > 1 && digits[0] == '0') return radix_to_json(digits, 8, negative);
  if (digits.find(':') != std::string::npos) return sexagesimal_integer(digits, negative);
  return digits == "0" ? "0" : (negative ? "-" : "") + digits;
}

std::optional<std::string> float_to_json(std::string_view text) {
  const bool negative = take_sign(text);
  double value = 0;
  if (text.size() == 4 && text[0] == '.' && (text[1] == 'i' || text[1] == 'I')) {
    value = HUGE_VAL;
  } else if (text.size() == 4 && text[0] == '.' && (text[1] == 'n' || text[1] == 'N')) {
    value = std::nan("");
  } else if (text.find(':') != std::string_view::npos) {
    value = sexagesimal(without_underscores(text));
  } else {
    value = std::strtod(without_underscores(text).c_str(), nullptr);
  }
  return number_text(negative ? -value : value);
}

}  // namespace

ScalarKind kind_of_scalar(std::string_view text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return ScalarKind::kNull;
  if (is_true(text) || is_false(text)) return ScalarKind::kBool;
  if (is_integer(text)) return ScalarKind::kInteger;
  if (is_float(text)) return ScalarKind::kFloat;
  if (is_time(text)) return ScalarKind::kTime;
  return ScalarKind::kText;
}

std::optional<std::string> scalar_to_json(ScalarKind kind, std::string_view text) {
  switch (kind) {
    case ScalarKind::kNull:
      return "null";
    case ScalarKind::kBool:
      return is_true(text) ? "true" : "false";
    case ScalarKind::kInteger:
      return integer_to_json(text);
    case ScalarKind::kFloat:
      return float_to_json(text);
    case ScalarKind::kTime:
    case ScalarKind::kText:
      break;
  }
  text::JsonBuffer buffer;
  text::JsonWriter json(buffer);
  write(json, text);
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace furrow::snakefile
