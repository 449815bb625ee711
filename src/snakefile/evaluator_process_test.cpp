// Fake evaluators of a few lines do things that the real one never should; one test uses the real one.
#include "snakefile/evaluator_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "os/files/files.hpp"

namespace furrow::snakefile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kPython = "/usr/bin/python3";

// A minimal evaluator: `serve(answer)` calls answer(request) for each request and sends what it returns.
constexpr const char* kLibrary = R"(
import json, os, signal, socket, struct, sys, threading, time
sock = socket.socket(fileno=int(sys.argv[2]))
fds = []
def receive(n):
    data = b""
    while len(data) < n:
        part, control, _, _ = sock.recvmsg(min(n - len(data), 1 << 20), socket.CMSG_SPACE(16))
        for _, _, content in control:
            fds.extend(struct.unpack("ii", content))
        if not part:
            os._exit(0)
        data += part
    return data
def read():
    return json.loads(receive(struct.unpack("<I", receive(4))[0]))
def raw(data):
    sock.sendall(struct.pack("<I", len(data)) + data)
def send(message):
    raw(json.dumps(message).encode())
EMPTY = {"files": ["/S"], "rules": [{"name": "slow", "file": 0, "kind": "run"}]}
def serve(answer):
    while True:
        request = read()
        reply = EMPTY if request["op"] == "load" else answer(request)
        if reply is not None:
            send({"id": request["id"], "ok": reply})
)";

class ProcessTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(folder_), nullptr); }
  void TearDown() override { (void)os::remove_tree(folder_); }

  Result<std::unique_ptr<EvaluatorProcess>> start(const std::string& script, EvaluatorOptions options = {}) {
    EXPECT_TRUE(os::write_file(std::string(folder_) + "/main.py", kLibrary + script));
    options.python = kPython;
    options.evaluator = folder_;
    return EvaluatorProcess::start(std::move(options));
  }
  // A started process that has loaded a Snakefile.
  std::unique_ptr<EvaluatorProcess> loaded(const std::string& script, EvaluatorOptions options = {}) {
    auto process = start(script, std::move(options));
    EXPECT_TRUE(process) << process.error().message;
    const auto answer = (*process)->load({.snakefile = "/S"});
    EXPECT_TRUE(answer) << answer.error().message;
    return std::move(*process);
  }
  std::string inputs_error(EvaluatorProcess& process) {
    const workflow::InputQuestion question{0, {}};
    const auto answers = process.inputs(std::span(&question, 1));
    EXPECT_EQ(answers.size(), 1u);
    return answers[0] ? "none" : answers[0].error().message + "|" + answers[0].error().hint;
  }
  template <class Done>
  void run_until(os::EventLoop& loop, Done done) {
    for (int i = 0; i < 500 && !done(); ++i) loop.run_once(0.02);
    EXPECT_TRUE(done());
  }
  char folder_[32] = "/tmp/furrow-python-XXXXXX";
};

struct ForkLog : plan::ForkService::Listener {
  std::vector<std::string> lines;
  void on_forked(std::uint64_t tag, Result<int> pid) override {
    lines.push_back("forked " + std::to_string(tag) +
                    (pid ? " " + std::to_string(*pid) : " failed: " + pid.error().message));
  }
  void on_fork_exit(std::uint64_t tag, int status, std::string error) override {
    lines.push_back("exit " + std::to_string(tag) + " " + std::to_string(status) + " " + error);
  }
};

TEST_F(ProcessTest, AMissingPythonIsAnError) {
  EvaluatorOptions options;
  options.python = "/no/such/python3";
  const auto process = EvaluatorProcess::start(options);
  ASSERT_FALSE(process);
  EXPECT_THAT(process.error().message, HasSubstr("there is no Python at /no/such/python3"));
  EXPECT_THAT(process.error().hint, HasSubstr("--python"));
}

TEST_F(ProcessTest, AMissingEvaluatorIsAnError) {
  EvaluatorOptions options;
  options.python = kPython;
  options.evaluator = "/no/such/folder";
  EXPECT_FALSE(EvaluatorProcess::start(options));
}

TEST_F(ProcessTest, AnOldPythonIsExplained) {
  auto process = start("sys.exit(1)");
  ASSERT_TRUE(process);
  const auto answer = (*process)->load({.snakefile = "/S"});
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("ended with exit status 1"));
  EXPECT_THAT(answer.error().hint, HasSubstr("3.9"));
}

TEST_F(ProcessTest, AfterACrashEveryQuestionNamesTheSignalAndRule) {
  auto process = loaded("serve(lambda request: os.kill(os.getpid(), signal.SIGSEGV))");
  EXPECT_THAT(
      inputs_error(*process),
      HasSubstr(
          "was ended by signal 11 (Segmentation fault) while it was asking input functions of rule slow"));
  EXPECT_THAT(inputs_error(*process), HasSubstr("signal 11"));
  EXPECT_FALSE(process->hook("onerror", "/l"));
  EXPECT_EQ(process->pid(), -1);
}

TEST_F(ProcessTest, AnExitNamesTheStatus) {
  auto process = loaded("serve(lambda request: os._exit(7))");
  EXPECT_THAT(inputs_error(*process), HasSubstr("ended with exit status 7"));
}

TEST_F(ProcessTest, AnInvalidFrameEndsIt) {
  for (const char* script :
       {"read(); raw(b'nonsense')", "read(); raw(b'')", "read(); send([1])",
        "read(); send({'id': 99, 'ok': {}})", "read(); sock.sendall(b'\\xff\\xff\\xff\\xff')",
        "read(); raw(b'[' * 100000)", "read(); send({'event': 'exit', 'tag': 3, 'status': 0})"}) {
    auto process = start(std::string(script) + "\ntime.sleep(60)");
    ASSERT_TRUE(process);
    const auto answer = (*process)->load({.snakefile = "/S"});
    EXPECT_FALSE(answer) << script;
    EXPECT_EQ((*process)->pid(), -1);
  }
}

TEST_F(ProcessTest, AnswersQuestionsDuringARequest) {
  EvaluatorOptions options;
  options.glob = [](const GlobQuestion& question) -> Result<GlobAnswer> {
    if (question.pattern == "bad") return fail("no such luck");
    return GlobAnswer{{"x"}, {{question.pattern}, {question.follow_links ? "links" : "plain"}}};
  };
  const std::string yaml = std::string(folder_) + "/c.yaml";
  ASSERT_TRUE(os::write_file(yaml, "1: on\n"));
  auto process = loaded(R"(
def ask(message):
    send(message)
    return json.dumps(read())
def answer(request):
    texts = [ask({"ask": 1, "what": "glob", "pattern": "p", "followlinks": True}),
             ask({"ask": 2, "what": "glob", "pattern": "bad"}), ask({"ask": 3, "what": "glob"}),
             ask({"ask": 4, "what": "yaml", "path": ")" +
                            yaml + R"("}), ask({"ask": 5, "what": "yaml", "path": "/no/file"}),
             ask({"ask": 6, "what": "weather"})]
    return {"jobs": [{"entries": [[{"items": texts}]]}]}
serve(answer))",
                        options);
  const workflow::InputQuestion question{0, {}};
  const auto answers = process->inputs(std::span(&question, 1));
  ASSERT_TRUE(answers[0]) << answers[0].error().message;
  const auto& items = (*answers[0])[0][0].items;
  ASSERT_EQ(items.size(), 6u);
  EXPECT_EQ(items[0].pattern, R"({"answer": 1, "ok": {"names": ["x"], "values": [["p"], ["links"]]}})");
  EXPECT_THAT(items[1].pattern, HasSubstr("no such luck"));
  EXPECT_THAT(items[2].pattern, HasSubstr("\"error\""));
  EXPECT_EQ(items[3].pattern, R"({"answer": 4, "ok": {"__pairs__": [[1, true]]}})");
  EXPECT_THAT(items[4].pattern, HasSubstr("/no/file"));
  EXPECT_THAT(items[5].pattern, HasSubstr("weather"));
}

// The evaluator writes megabytes before it reads anything.
TEST_F(ProcessTest, LargeFramesInBothDirectionsDoNotBlock) {
  EvaluatorOptions options;
  std::size_t asked = 0;
  options.glob = [&](const GlobQuestion& question) -> Result<GlobAnswer> {
    asked = question.pattern.size();
    return GlobAnswer{{"x"}, std::vector<std::vector<std::string>>(200'000, {"some value"})};
  };
  auto process = loaded(R"(
send({"id": read()["id"], "ok": EMPTY})
header = receive(4)
send({"ask": 1, "what": "glob", "pattern": "p" * 5000000})
request = json.loads(receive(struct.unpack("<I", header)[0]))
count = len(read()["ok"]["values"])
send({"id": request["id"], "ok": {"jobs": [{"entries": [[{"items": [str(len(request["jobs"])), str(count)]}]]}] * len(request["jobs"])}})
time.sleep(60))",
                        options);
  const std::vector<workflow::InputQuestion> questions(50'000, {0, {{"sample", std::string(100, 's')}}});
  const auto answers = process->inputs(questions);
  ASSERT_TRUE(answers[0]) << answers[0].error().message;
  EXPECT_EQ((*answers[49'999])[0][0].items[0].pattern, "50000");
  EXPECT_EQ((*answers[0])[0][0].items[1].pattern, "200000");
  EXPECT_EQ(asked, 5'000'000u);
}

TEST_F(ProcessTest, ARequestToStopEndsABlockingCallAtOnce) {
  for (const bool by_descriptor : {true, false}) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::atomic<bool> stop = false;
    EvaluatorOptions options;
    if (by_descriptor) {
      options.stop_fd = ends[0];
    } else {
      options.stopping = [&] { return stop.load(); };
    }
    auto process = loaded("serve(lambda request: time.sleep(3600))", options);
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      stop = true;
      EXPECT_EQ(::write(ends[1], "x", 1), 1);
    });
    EXPECT_EQ(inputs_error(*process), "interrupted|");
    stopper.join();
    ::close(ends[0]);
    ::close(ends[1]);
  }
}

TEST_F(ProcessTest, PrepareAnswersInOrderDuringBlockingCalls) {
  os::EventLoop loop;
  auto process = loaded(R"(
def answer(request):
    if request["op"] == "inputs":
        return {"jobs": [{"entries": []}]}
    return {"jobs": [{"shell": "echo %d" % job["attempt"]} for job in request["jobs"]]}
serve(answer))");
  process->attach(loop);
  std::vector<std::string> commands;
  for (int i = 1; i <= 3; ++i) {
    workflow::JobView job;
    job.attempt = i;
    process->prepare(std::span(&job, 1), [&](std::vector<Result<workflow::Preparation>> answers) {
      ASSERT_EQ(answers.size(), 1u);
      commands.push_back(answers[0]->launch.command);
      if (commands.size() == 1) {
        EXPECT_EQ(inputs_error(*process), "none");  // a callback may make a blocking call
      }
    });
  }
  EXPECT_EQ(inputs_error(*process), "none");
  EXPECT_THAT(commands, ElementsAre());  // callbacks do not run inside another call
  run_until(loop, [&] { return commands.size() == 3; });
  EXPECT_THAT(commands, ElementsAre("echo 1", "echo 2", "echo 3"));
  process->detach();
}

constexpr const char* kForker = R"(
children = {}
def answer(request):
    if request["op"] == "hook":
        os.kill(os.getpid(), signal.SIGKILL)
    out, err = fds.pop(0), fds.pop(0)
    pid = os.fork()
    if pid == 0:
        os.write(out, b"out of %d" % request["tag"])
        os.write(err, b"err")
        if request["job"] == {"hang": 1}:
            time.sleep(60)
        os._exit(3)
    os.close(out); os.close(err)
    send({"id": request["id"], "ok": {"pid": pid}})
    if request["job"] != {"hang": 1}:
        send({"event": "exit", "tag": request["tag"], "status": os.waitpid(pid, 0)[1], "error": {"message": "it failed"}})
serve(answer))";

TEST_F(ProcessTest, ForkedChildrenGetDescriptorsAndTheirEndIsReported) {
  os::EventLoop loop;
  ForkLog log;
  auto process = loaded(kForker);
  process->attach(loop);
  process->set_fork_listener(&log);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  process->fork_child(17, 0, "{}", ends[1], ends[1]);
  ::close(ends[1]);
  run_until(loop, [&] { return log.lines.size() == 2; });
  EXPECT_THAT(log.lines[0], HasSubstr("forked 17 "));
  EXPECT_EQ(log.lines[1], "exit 17 768 it failed");
  char text[64] = "";
  std::string output;
  for (ssize_t n; (n = ::read(ends[0], text, sizeof text)) > 0;)
    output.append(text, static_cast<std::size_t>(n));
  EXPECT_EQ(output, "out of 17err");
  ::close(ends[0]);
}

TEST_F(ProcessTest, ReportsEachChildAndQuestionOnceWhenItDies) {
  os::EventLoop loop;
  ForkLog log;
  auto process = loaded(kForker);
  process->attach(loop);
  process->set_fork_listener(&log);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  process->fork_child(1, 0, R"({"hang":1})", null, null);
  run_until(loop, [&] { return log.lines.size() == 1; });
  const int child = std::atoi(log.lines[0].substr(9).c_str());
  ::kill(process->pid(), SIGSTOP);
  process->fork_child(2, 1, R"({"hang":1})", null, null);
  int prepared = 0;
  const workflow::JobView job{};
  process->prepare(std::span(&job, 1), [&](auto answers) { prepared += answers[0] ? 100 : 1; });
  ::kill(process->pid(), SIGKILL);
  run_until(loop, [&] { return prepared > 0 && log.lines.size() >= 3; });
  process->fork_child(3, 2, "{}", null, null);
  loop.run_once(0);
  EXPECT_EQ(prepared, 1);
  ASSERT_EQ(log.lines.size(), 4u);
  EXPECT_THAT(log.lines[1], HasSubstr("forked 2 failed: the evaluator"));
  EXPECT_THAT(log.lines[2], HasSubstr("exit 1 9 the evaluator"));
  EXPECT_THAT(log.lines[3], HasSubstr("forked 3 failed"));
  ::kill(child, SIGKILL);
  ::close(null);
}

TEST_F(ProcessTest, TheDestructorLeavesNoProcess) {
  auto process = loaded("import signal\nserve(lambda request: time.sleep(60))");
  const int pid = process->pid();
  EXPECT_EQ(::kill(pid, 0), 0);
  process.reset();
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace
}  // namespace furrow::snakefile
