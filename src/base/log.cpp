#include "base/log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "base/strings.hpp"

namespace furrow::logging {

namespace {

constexpr std::string_view kEnd = "...\n";  // of a line that was cut; Line keeps room for it

static_assert(Line::kMostBytes <= PIPE_BUF);

// Set once, before `enabled`. Plain bytes, since lines may come after static objects were destroyed.
char log_path[PATH_MAX];  // absolute; empty: standard error
std::chrono::steady_clock::time_point began;

std::atomic<bool> has_first_line{false};

void write_error(std::string_view text) {
  while (::write(STDERR_FILENO, text.data(), text.size()) < 0 && errno == EINTR) {
  }
}

// The file is opened for each line. A program may close descriptors that it does not know (a daemon, or a
// worker after a fork), and if the number of ours were reused, the log would go into a file of the user.
int open_log() { return ::open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666); }

void put(const Line& line) {
  const int file = log_path[0] == '\0' ? -1 : open_log();
  if (file < 0) return write_error(line.view());
  while (::write(file, line.view().data(), line.view().size()) < 0 && errno == EINTR) {
  }
  ::close(file);
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// Says when second 0 was, so that logs of several processes can be compared. Without gmtime(), which may
// need the heap.
void put_first_line() {
  using namespace std::chrono;
  const auto now = time_point_cast<milliseconds>(system_clock::now());
  const auto start = now - duration_cast<milliseconds>(steady_clock::now() - began);
  const auto day = floor<days>(start);
  const year_month_day date(day);
  const hh_mm_ss time(start - day);
  char text[128];
  const auto made = fmt::format_to_n(
      text, sizeof text, "second 0 was {:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      time.hours().count(), time.minutes().count(), time.seconds().count(), time.subseconds().count());
  put(Line(seconds_now(), ::getpid(), "log", {text, std::min(made.size, sizeof text)}));
}

void find_log_file() {
  const char* const path = ::secure_getenv("FURROW_LOG_FILE");
  if (path == nullptr || *path == '\0') return;
  char folder[PATH_MAX];
  const bool is_relative = *path != '/' && ::getcwd(folder, sizeof folder) != nullptr;
  const auto made = fmt::format_to_n(log_path, sizeof log_path - 1, "{}{}{}", is_relative ? folder : "",
                                     is_relative ? "/" : "", path);
  log_path[std::min(made.size, sizeof log_path - 1)] = '\0';
  const int file = open_log();
  if (file >= 0) {
    ::close(file);
    return;
  }
  write_error(fmt::format("furrow: cannot open FURROW_LOG_FILE {}: {}; the log goes to standard error\n",
                          path, std::strerror(errno)));
}

std::uint32_t read_environment() {
  const char* const variable = ::secure_getenv("FURROW_LOG");
  if (variable == nullptr || *variable == '\0') return 0;
  began = std::chrono::steady_clock::now();
  const Choice choice = parse(variable);
  if (!choice.warning.empty()) write_error(choice.warning + "\n");
  if (choice.bits != 0) find_log_file();
  return choice.bits;
}

std::string_view without_blanks(std::string_view word) {
  const std::size_t begin = word.find_first_not_of(' ');
  return begin == std::string_view::npos ? std::string_view()
                                         : word.substr(begin, word.find_last_not_of(' ') + 1 - begin);
}

std::uint32_t bits_of_topics(std::string_view name, bool is_debug) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < kTopics.size(); ++i) {
    if (name != "all" && name != kTopics[i]) continue;
    bits |= bit(static_cast<Topic>(i), Level::info);
    if (is_debug) bits |= bit(static_cast<Topic>(i), Level::debug);
  }
  return bits;
}

// 0 if the topic or its level is unknown.
std::uint32_t bits_of(std::string_view word) {
  const std::size_t colon = word.find(':');
  const std::string_view level = colon == std::string_view::npos ? "info" : word.substr(colon + 1);
  if (level != "info" && level != "debug") return 0;
  return bits_of_topics(word.substr(0, colon), level == "debug");
}

std::string printable(std::string_view word) {
  std::string text = shell_quote(word);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::replace_if(text.begin(), text.end(), is_control, '?');
  return text;
}

std::string warning_about(const std::vector<std::string>& unknown) {
  const std::vector<std::string> topics(kTopics.begin(), kTopics.end());
  return fmt::format(
      "furrow: FURROW_LOG does not know {}; the topics are {} and all, with :info or :debug after each",
      join(unknown, ", "), join(topics, ", "));
}

}  // namespace

const std::uint32_t enabled = read_environment();

Choice parse(std::string_view variable) {
  Choice choice;
  std::vector<std::string> unknown;
  for (const std::string& part : split(variable, ',')) {
    const std::string_view word = without_blanks(part);
    const std::uint32_t bits = bits_of(word);
    choice.bits |= bits;
    if (bits == 0 && !word.empty()) unknown.push_back(printable(word));
  }
  if (!unknown.empty()) choice.warning = warning_about(unknown);
  return choice;
}

Line::Line(double seconds, long pid, std::string_view topic, std::string_view text, bool is_cut) {
  char head[64];
  const auto made =
      fmt::format_to_n(head, sizeof head, "[furrow {:.6f} {} {}] ", seconds, pid, topic.substr(0, 16));
  add({head, std::min(made.size, sizeof head)});
  for (const char c : text) {
    if (!add_escaped(c)) {
      is_cut = true;
      break;
    }
  }
  add(is_cut ? kEnd : kEnd.substr(kEnd.size() - 1));
}

void Line::add(std::string_view text) {
  std::memcpy(bytes_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

// False if there is no room for it.
bool Line::add_escaped(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(c);
  if (size_ + 4 + kEnd.size() > kMostBytes) return false;
  if (c == '\n') {
    add("\\n");
  } else if (c == '\t') {
    add("\\t");
  } else if (code < 0x20 || code == 0x7f) {
    add("\\x");
    add(kDigits.substr(code >> 4, 1));
    add(kDigits.substr(code & 15, 1));
  } else {
    bytes_[size_++] = c;
  }
  return true;
}

void write_formatted(Topic topic, fmt::string_view format, fmt::format_args args) noexcept {
  const int code = errno;
  if (!has_first_line.exchange(true, std::memory_order_relaxed)) put_first_line();
  char text[Line::kMostBytes];
  const auto made = fmt::vformat_to_n(text, sizeof text, format, args);
  const std::size_t size = std::min(made.size, sizeof text);
  put(Line(seconds_now(), ::getpid(), kTopics[static_cast<std::size_t>(topic)], {text, size},
           made.size > sizeof text));
  errno = code;
}

}  // namespace furrow::logging
