#include "command/template/quote.hpp"

#include <algorithm>
#include <array>

namespace furrow::command {

namespace {

constexpr auto kBare = [] {
  std::array<bool, 256> bare{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/"))
    bare[static_cast<unsigned char>(c)] = true;
  return bare;
}();

// RUN within apostrophes; it holds none itself.
void append_run(std::string& out, std::string_view run, QuoteStyle style) {
  out += '\'';
  for (const char c : run) {
    const bool escapes =
        style == QuoteStyle::kFish ? c == '\\' : style == QuoteStyle::kCsh && (c == '!' || c == '\n');
    if (escapes) out += '\\';
    out += c;
  }
  out += '\'';
}

}  // namespace

void append_quoted(std::string& out, std::string_view text, QuoteStyle style) {
  if (text.empty()) {
    out += "''";
    return;
  }
  if (std::all_of(text.begin(), text.end(), [](char c) { return kBare[static_cast<unsigned char>(c)]; })) {
    out += text;
    return;
  }
  // Text without apostrophes goes into apostrophes, apostrophes go into double quotes; no empty quotes at the
  // ends.
  for (bool first = true;; first = false) {
    const std::size_t end = text.find('\'');
    const bool last = end == std::string_view::npos;
    const std::string_view run = text.substr(0, end);
    if (!run.empty() || !(first || last)) append_run(out, run, style);
    if (last) return;
    out += "\"'\"";
    text.remove_prefix(end + 1);
  }
}

}  // namespace furrow::command
