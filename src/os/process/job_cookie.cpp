#include "os/process/job_cookie.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "os/events/clock.hpp"

namespace furrow::os {

namespace {
constexpr std::string_view kEntry = "FURROW_JOB=";
}  // namespace

std::string new_run_id() {
  std::uint64_t id = 0;
  if (::getrandom(&id, sizeof id, 0) != sizeof id) {
    id = static_cast<std::uint64_t>(wall_seconds() * 1e9) ^ static_cast<std::uint64_t>(::getpid()) << 44;
  }
  std::string text(kTagDigits, '0');
  write_tag(text.data(), id);
  return text;
}

void write_tag(char* digits, std::uint64_t tag) {
  for (std::size_t i = kTagDigits; i > 0; --i, tag >>= 4) digits[i - 1] = "0123456789abcdef"[tag & 15];
}

std::string cookie_entry(std::string_view run, std::uint64_t tag) {
  std::string entry(kEntry);
  if (const char* const outer = std::getenv(kCookieVariable); outer != nullptr && *outer != '\0')
    entry.append(outer).append(" ");
  entry.append(run).append(".").append(kTagDigits, '0');
  write_tag(entry.data() + entry.size() - kTagDigits, tag);
  return entry;
}

bool is_cookie_entry(std::string_view entry) { return entry.starts_with(kEntry); }

std::optional<std::uint64_t> tag_in(std::string_view environment, std::string_view run) {
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
    if (!is_cookie_entry(entry)) continue;
    const std::size_t at = entry.find(run);
    if (at == std::string_view::npos || entry.size() < at + run.size() + 1 + kTagDigits) return std::nullopt;
    const char* const digits = entry.data() + at + run.size() + 1;
    std::uint64_t tag = 0;
    if (std::from_chars(digits, digits + kTagDigits, tag, 16).ptr != digits + kTagDigits) return std::nullopt;
    return tag;
  }
  return std::nullopt;
}

}  // namespace furrow::os
