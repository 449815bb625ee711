// Tests what the executor captures of the output of attempts.
#include "exec/output/capture.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "exec/local/local_executor.hpp"
#include "os/process/process.hpp"
#include "support/executor_contract.hpp"

namespace furrow::exec {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using testing_support::program;
using testing_support::shell;

std::string content(const CapturedStream& stream) {
  std::string text(static_cast<std::size_t>(stream.file_size), '\0');
  if (!text.empty()) {
    EXPECT_EQ(::pread(stream.file, text.data(), text.size(), 0), stream.file_size);
  }
  return text.append(stream.rest);
}

class CaptureTest : public ::testing::Test, public OutputSink, public plan::ExitListener {
 protected:
  void make(bool one_stream, LocalOptions options = {}) {
    one_stream_ = one_stream;
    executor_ = std::make_unique<LocalExecutor>(loop_, nullptr, nullptr, this, options);
    executor_->set_listener(this);
  }
  void start(const std::string& command) { executor_->start({.job = 1, .launch = shell(command)}); }
  void finish() {
    run_loop_until([this] { return executor_->running() == 0; });
    ASSERT_EQ(executor_->running(), 0u);
  }
  void run(const std::string& command) {
    start(command);
    finish();
  }
  void run_loop_until(const std::function<bool()>& holds) {
    for (const double end = os::monotonic_seconds() + 50; !holds() && os::monotonic_seconds() < end;)
      loop_.run_once(0.02);
  }

  bool is_one_stream() const override { return one_stream_; }
  void show(const CapturedOutput& output) override {
    out_.push_back(content(output.out));
    err_.push_back(content(output.err));
    in_memory_.push_back(output.out.file_size == 0);
  }
  void on_exit(plan::Exit exit) override { exits_.push_back(std::move(exit)); }

  bool one_stream_ = false;
  os::EventLoop loop_;
  std::vector<std::string> out_, err_;
  std::vector<bool> in_memory_;
  std::vector<plan::Exit> exits_;
  std::unique_ptr<LocalExecutor> executor_;
};

TEST_F(CaptureTest, ReopeningTheStandardStreamsLosesNothing) {
  for (const bool one_stream : {true, false}) {
    make(one_stream);
    run("echo a; echo b > /dev/stdout; echo c; echo d > /dev/stdout; echo f");
    run("echo a >&2; echo b > /dev/stderr; echo c >&2; echo d > /dev/stderr; echo e >&2");
  }
  ASSERT_EQ(out_.size(), 4u);
  EXPECT_EQ(out_[0], "a\nb\nc\nd\nf\n");
  EXPECT_EQ(out_[1], "a\nb\nc\nd\ne\n");
  EXPECT_EQ(out_[2], "a\nb\nc\nd\nf\n");
  EXPECT_EQ(out_[3], "");
  EXPECT_EQ(err_[3], "a\nb\nc\nd\ne\n");
}

TEST_F(CaptureTest, OneStreamKeepsTheOrderOfOutputAndErrors) {
  make(true);
  run("echo a; echo b > /dev/stderr; echo c; echo d >&2; echo e > /dev/stdout");
  EXPECT_EQ(out_.at(0), "a\nb\nc\nd\ne\n");
  EXPECT_EQ(err_.at(0), "");
  EXPECT_EQ(exits_.at(0).output, "a\nb\nc\nd\ne\n");
}

TEST_F(CaptureTest, LongOutputIsCompleteAndInOrder) {
  make(false);
  run("seq 1 300000; seq 1 100000 >&2; echo end");
  run("echo short");
  std::string numbers, errors;
  for (int i = 1; i <= 300000; ++i) numbers += std::to_string(i) + "\n";
  for (int i = 1; i <= 100000; ++i) errors += std::to_string(i) + "\n";
  EXPECT_TRUE(out_.at(0) == numbers + "end\n");
  EXPECT_TRUE(err_.at(0) == errors);
  EXPECT_FALSE(in_memory_.at(0));
  EXPECT_EQ(exits_.at(0).output.size(), plan::kKeptOutput);
  EXPECT_TRUE(exits_.at(0).output.ends_with("99999\n100000\n"));
  EXPECT_EQ(out_.at(1), "short\n") << "the file is reused, empty";
  EXPECT_TRUE(in_memory_.at(1));
}

TEST_F(CaptureTest, TheKeptEndSpansFileAndMemory) {
  make(true);
  run("head -c 200000 /dev/zero | tr '\\0' x; sleep 0.05; echo end");
  const std::string& kept = exits_.at(0).output;
  EXPECT_EQ(kept, std::string(plan::kKeptOutput - 4, 'x') + "end\n");
  EXPECT_EQ(out_.at(0).size(), 200004u);
}

std::int64_t own_kb() {
  const auto text = os::read_file("/proc/self/statm");
  std::int64_t all = 0, resident = 0;
  EXPECT_EQ(std::sscanf(text ? text->c_str() : "", "%ld %ld", &all, &resident), 2);
  return resident * 4;
}

TEST_F(CaptureTest, LargeOutputDoesNotFillMemory) {
  LocalExecutor executor(loop_, nullptr, nullptr, nullptr, {});
  executor.set_listener(this);
  const std::int64_t before = own_kb();
  std::int64_t most = before;
  executor.start({.job = 1, .launch = program({"head", "-c", "30000000", "/dev/zero"})});
  while (executor.running() > 0) {
    loop_.run_once(1);
    most = std::max(most, own_kb());
  }
  EXPECT_LT(most - before, 20000);
  EXPECT_EQ(exits_.at(0).output.size(), plan::kKeptOutput);
}

TEST_F(CaptureTest, OutputOfParallelJobsIsNotMixed) {
  make(true);
  constexpr int kJobs = 100;
  for (int i = 0; i < kJobs; ++i) {
    const std::string word = "job" + std::to_string(i);
    start("for i in $(seq 1 5000); do echo " + word + "; done");
  }
  finish();
  ASSERT_EQ(out_.size(), std::size_t{kJobs});
  std::vector<std::string> words;
  for (const std::string& text : out_) {
    const std::string line = text.substr(0, text.find('\n') + 1);
    ASSERT_EQ(text.size(), 5000 * line.size());
    for (std::size_t at = 0; at < text.size(); at += line.size())
      ASSERT_EQ(text.compare(at, line.size(), line), 0);
    words.push_back(line);
  }
  std::sort(words.begin(), words.end());
  EXPECT_EQ(std::unique(words.begin(), words.end()), words.end());
}

TEST_F(CaptureTest, AJobDoesNotWaitForItsBackgroundProcess) {
  make(true);
  const std::string mark = "/tmp/furrow-capture-test-" + std::to_string(::getpid());
  const std::string go = mark + "-go";
  ::unlink(mark.c_str());
  ::unlink(go.c_str());
  // It waits until its job was reported, then prints more than a pipe holds.
  run("echo before; (until [ -e " + go + " ]; do sleep 0.01; done; head -c 1000000 /dev/zero; echo $? > " +
      mark + ") & disown; echo after");
  EXPECT_EQ(out_.at(0), "before\nafter\n");
  ASSERT_TRUE(os::write_file(go, ""));
  run("echo next");
  run_loop_until([&] { return os::status(mark).size > 0; });
  EXPECT_EQ(os::read_file(mark).value_or("it died"), "0\n");
  ::unlink(mark.c_str());
  ::unlink(go.c_str());
  run("sleep 0.1; echo last");
  EXPECT_EQ(out_.at(1), "next\n");
  EXPECT_EQ(out_.at(2), "last\n");
}

TEST_F(CaptureTest, AnEndlessBackgroundWriterDelaysNothing) {
  make(true);
  run("yes & echo $! >&2; sleep 0.1; true");
  run("echo next");
  EXPECT_EQ(out_.at(1), "next\n");
  // The output contains its pid somewhere.
  const std::size_t digit = out_.at(0).find_first_of("0123456789");
  ASSERT_NE(digit, std::string::npos);
  const int pid = std::stoi(out_[0].substr(digit));
  const int group = ::getpgid(pid);
  EXPECT_FALSE(os::living_groups({group}).empty()) << "it goes on running";
  executor_.reset();
  run_loop_until([group] { return os::living_groups({group}).empty(); });
  EXPECT_TRUE(os::living_groups({group}).empty()) << "without a reader it ends";
}

TEST_F(CaptureTest, LeftoverPipesCloseAfterTheLastWriterEnds) {
  make(false);
  const auto count = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  run("true; true");
  const auto before = count();
  run("sleep 0.5 & sleep 0.5 & true");
  EXPECT_EQ(count(), before + 2);
  run_loop_until([&] { return count() <= before; });
  EXPECT_EQ(count(), before);
}

TEST(LeftoverPipesTest, ClosesTheOldestPipeWhenFull) {
  os::EventLoop loop;
  LeftoverPipes pipes(loop, 2);
  int writers[3];
  for (int& writer : writers) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    writer = ends[1];
    pipes.adopt(ends[0]);
  }
  EXPECT_EQ(pipes.size(), 2u);
  ::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(::write(writers[0], "x", 1), -1);
  EXPECT_EQ(::write(writers[1], "x", 1), 1);
  EXPECT_EQ(::write(writers[2], "x", 1), 1);
  for (const int writer : writers) ::close(writer);
  for (int i = 0; i < 4; ++i) loop.run_once(0.01);
  EXPECT_EQ(pipes.size(), 0u);
}

TEST_F(CaptureTest, AJobMayCloseItsStreams) {
  for (const bool one_stream : {true, false}) {
    make(one_stream);
    run("echo a; exec >&-; sleep 0.05; echo b >&2");
    run("echo c; exec >&- 2>&-; sleep 0.05; exit 3");
  }
  EXPECT_EQ(out_.at(0), "a\nb\n");
  EXPECT_EQ(out_.at(2), "a\n");
  EXPECT_EQ(err_.at(2), "b\n");
  EXPECT_EQ(out_.at(1), "c\n");
  EXPECT_EQ(out_.at(3), "c\n");
  EXPECT_EQ(exits_.at(1).status, 3);
  EXPECT_EQ(exits_.at(3).status, 3);
}

TEST_F(CaptureTest, ShowsAnIncompleteLastLine) {
  make(true);
  run("printf 'half a li'; kill -KILL $$");
  EXPECT_EQ(out_.at(0), "half a li");
  EXPECT_EQ(exits_.at(0).signal, SIGKILL);
}

TEST_F(CaptureTest, ShowsAllOutputOfACancelledJob) {
  make(true, {.grace_s = 30});
  const std::string mark = "/tmp/furrow-capture-test-" + std::to_string(::getpid());
  // After the request to end, the job prints more than a pipe holds. It must not have to wait for a reader.
  start("trap 'head -c 300000 /dev/zero | tr \"\\0\" x; echo bye; exit 1' TERM; echo hello; : > " + mark +
        "; "
        "while true; do sleep 0.01; done");
  run_loop_until([&] { return std::filesystem::exists(mark); });
  ::unlink(mark.c_str());
  executor_->cancel_all(plan::Stop::kGently);
  finish();
  EXPECT_TRUE(exits_.at(0).cancelled);
  EXPECT_EQ(exits_.at(0).status, 1) << "it ended by itself, before the grace was over";
  EXPECT_TRUE(out_.at(0).starts_with("hello\n"));
  EXPECT_TRUE(out_.at(0).ends_with("xxxbye\n"));
  EXPECT_EQ(std::count(out_.at(0).begin(), out_.at(0).end(), 'x'), 300000);
}

TEST_F(CaptureTest, ReadsTheOutputOfAFailedJobsProcessGroup) {
  make(true);
  run("(trap '' TERM; echo child; sleep 60) & sleep 0.05; echo leader; exit 2");
  EXPECT_EQ(exits_.at(0).status, 2);
  EXPECT_THAT(out_.at(0), AllOf(HasSubstr("child\n"), HasSubstr("leader\n")));
}

// Runs in a forked child, which closes its standard descriptors.
TEST_F(CaptureTest, CapturesWithoutStandardDescriptors) {
  const int child = ::fork();
  if (child == 0) {
    for (int fd = 0; fd <= 2; ++fd) ::close(fd);
    make(false);
    start("echo out; echo more > /dev/stdout; echo err > /dev/stderr");
    while (executor_->running() > 0) loop_.run_once(1);
    const bool good =
        out_ == std::vector<std::string>{"out\nmore\n"} && err_ == std::vector<std::string>{"err\n"};
    ::_exit(good ? 0 : 1);
  }
  EXPECT_EQ(os::exit_code(os::wait_for(child).raw_status), 0);
}

}  // namespace
}  // namespace furrow::exec
