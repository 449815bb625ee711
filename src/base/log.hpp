// The log of Furrow itself: what the engine decides, for bug reports. The user asks for it:
//
//   FURROW_LOG=farm,exec:debug   topics, each with a level (info if there is none); "all" is every topic
//   FURROW_LOG_FILE=path         lines are appended to this file; without it they go to standard error
//
// A line is "[furrow SECONDS PID TOPIC] text". The seconds count from when the process was started, or the
// process that it was forked from. Each line is one write(2) of at most PIPE_BUF bytes, without a lock and
// without memory from the heap: so lines of several threads and processes do not mix, and a forked child may
// log at once. errno is kept. Thread-safe.
//
// When a topic is off, FURROW_LOG costs one load and one branch, and its arguments are not evaluated.
#pragma once

#include <fmt/core.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace furrow::logging {

// A topic for each layer that decides something. The names are those in FURROW_LOG.
enum class Topic : std::uint8_t {
  farm,
  exec,
  cluster,
  ranks,
  pool,
  mpi,
  store,
  workflow,
  snakefile,
  command
};
constexpr std::array<std::string_view, 10> kTopics = {"farm", "exec",  "cluster",  "ranks",     "pool",
                                                      "mpi",  "store", "workflow", "snakefile", "command"};

// info: decisions, a few lines for each job or map. debug: everything.
enum class Level : std::uint8_t { info, debug };

constexpr std::uint32_t bit(Topic topic, Level level) {
  return std::uint32_t{1} << (static_cast<unsigned>(topic) + (level == Level::debug ? 16 : 0));
}

// The bits of what is on. This is global, but it is not state: it is a constant that the environment gives,
// read before main(), and nothing can change it later. A static object that logs before that is not heard.
extern const std::uint32_t enabled;

inline bool is_on(Topic topic, Level level) { return (enabled & bit(topic, level)) != 0; }

// FURROW_LOG(farm, info, "job {} starts, attempt {}", job, attempt);
#define FURROW_LOG(topic, level, ...)                                                               \
  do {                                                                                              \
    if (::furrow::logging::is_on(::furrow::logging::Topic::topic, ::furrow::logging::Level::level)) \
        [[unlikely]]                                                                                \
      ::furrow::logging::write(::furrow::logging::Topic::topic, __VA_ARGS__);                       \
  } while (false)

void write_formatted(Topic topic, fmt::string_view format, fmt::format_args args) noexcept;

template <class... Args>
[[gnu::cold, gnu::noinline]] void write(Topic topic, fmt::format_string<Args...> format, Args&&... args) {
  write_formatted(topic, format, fmt::make_format_args(args...));
}

// The parts, for tests.

struct Choice {
  // as in `enabled`
  std::uint32_t bits = 0;
  // what to say about unknown topics and levels, in one line; empty if all are known
  std::string warning{};
};
Choice parse(std::string_view variable);

// A line with its newline. Control characters of the text are escaped, and a text that is too long is cut.
class Line {
 public:
  static constexpr std::size_t kMostBytes = 4096;  // PIPE_BUF: a longer write to a pipe may be torn
  Line(double seconds, long pid, std::string_view topic, std::string_view text, bool is_cut = false);
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  void add(std::string_view text);
  bool add_escaped(char c);

  std::array<char, kMostBytes> bytes_;
  std::size_t size_ = 0;
};

}  // namespace furrow::logging
