#include "exec/ranks/rank_input.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "os/events/clock.hpp"

namespace furrow::exec {
namespace {

plan::Launch::Stream owned(int fd) {
  return {new int(fd), [](const int* held) {
            ::close(*held);
            delete held;
          }};
}

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0); }
  ~Pipe() { close_write(); }
  void close_write() {
    if (ends[1] >= 0) ::close(std::exchange(ends[1], -1));
  }
  int ends[2] = {-1, -1};
};

TEST(RankInputReader, SendsEverythingAndTheEndOnce) {
  os::EventLoop loop;
  Pipe pipe;
  std::string sent;
  int ends = 0;
  RankInputReader reader(loop, owned(pipe.ends[0]), [&](std::string_view data) {
    sent += data;
    ends += data.empty() ? 1 : 0;
  });
  reader.read_on();
  EXPECT_EQ(ends, 0);
  for (const char* part : {"a", "b\n"}) {
    ASSERT_GT(::write(pipe.ends[1], part, 1), 0);
    loop.run_once(1);
  }
  pipe.close_write();
  for (int i = 0; i < 5; ++i) loop.run_once(0.01);
  EXPECT_EQ(sent, "ab");
  EXPECT_EQ(ends, 1);
}

TEST(RankInputReader, KeepsAtMostAWindowInFlight) {
  os::EventLoop loop;
  const int file = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  std::size_t sent = 0;
  RankInputReader reader(loop, owned(file), [&](std::string_view data) { sent += data.size(); });
  reader.read_on();
  EXPECT_EQ(sent, kInputWindow);
  reader.taken(1000);
  EXPECT_EQ(sent, kInputWindow + 1000);
}

TEST(RankInputWriter, WritesAsTheReaderReadsAndReportsIt) {
  os::EventLoop loop;
  std::size_t taken = 0;
  RankInputWriter writer(loop, [&](std::size_t bytes) { taken += bytes; });
  const plan::Launch::Stream end = writer.take_read_end();
  ASSERT_TRUE(end);
  const std::string text(200'000, 'x');
  writer.write(text);
  writer.end();
  EXPECT_LT(taken, text.size()) << "a pipe holds less";
  std::size_t read = 0;
  char data[4096];
  const double until = os::monotonic_seconds() + 10;
  for (ssize_t n = 1; n != 0 && os::monotonic_seconds() < until;) {
    n = ::read(*end, data, sizeof data);
    read += n > 0 ? static_cast<std::size_t>(n) : 0;
    loop.run_once(0);
  }
  EXPECT_EQ(read, text.size());
  EXPECT_EQ(taken, text.size());
}

TEST(RankInputWriter, DropsWhatNobodyReads) {
  os::EventLoop loop;
  std::size_t taken = 0;
  RankInputWriter writer(loop, [&](std::size_t bytes) { taken += bytes; });
  writer.take_read_end().reset();
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  writer.write(std::string(100'000, 'x'));
  writer.write("more");
  ::signal(SIGPIPE, before);
  EXPECT_EQ(taken, 100'004u);
}

}  // namespace
}  // namespace furrow::exec
