// The engine's side of the protocol against the real evaluator.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "os/files/files.hpp"
#include "snakefile/evaluator_process.hpp"

namespace furrow::snakefile {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kSnakefile = R"(
configfile: "config.yaml"
names = glob_wildcards("texts/{name}.txt").name

rule all:
    input: expand("out/{name}.tsv", name=names)

def texts(wildcards):
    return ["texts/%s.txt" % wildcards.name, config["extra"]]

rule count:
    input: texts, "always"
    output: tsv=temp("out/{name}.tsv")
    params: n=lambda wildcards: len(wildcards.name), fixed=[3, 1]
    threads: lambda wildcards: 3
    resources: mem_mb=lambda wildcards, attempt: 100 * attempt, partition="small"
    message: "counting {wildcards.name}"
    shell: "wc {input} > {output.tsv} # {params.n} {threads}"

rule compute:
    output: "computed"
    run:
        print("computing into", output)
        open(str(output), "w").write("done")

rule fails:
    output: "never"
    run:
        raise ValueError("on purpose")

onstart:
    print("started")
)";

struct ForkLog : plan::ForkService::Listener {
  int pid = 0, status = -1;
  std::string error;
  bool ended = false;
  void on_forked(std::uint64_t, Result<int> child) override { pid = child ? *child : -1; }
  void on_fork_exit(std::uint64_t, int raw, std::string text) override {
    status = raw;
    error = std::move(text);
    ended = true;
  }
};

class RealEvaluator : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(folder_), nullptr);
    before_ = os::current_directory();
    ASSERT_TRUE(os::change_directory(folder_));
  }
  void TearDown() override {
    process_.reset();
    (void)os::change_directory(before_);
    (void)os::remove_tree(folder_);
  }
  Result<LoadAnswer> load(const std::string& text, EvaluatorOptions options = {}) {
    options.python = "/usr/bin/python3";
    EXPECT_TRUE(os::write_file("Snakefile", text));
    auto process = EvaluatorProcess::start(std::move(options));
    if (!process) return fail(process.error());
    process_ = std::move(*process);
    return process_->load({.snakefile = std::string(folder_) + "/Snakefile", .cores = 4});
  }
  char folder_[32] = "/tmp/furrow-real-XXXXXX";
  std::string before_;
  std::unique_ptr<EvaluatorProcess> process_;
};

TEST_F(RealEvaluator, SpeaksTheProtocol) {
  ASSERT_TRUE(os::write_file("config.yaml", "extra: more.txt\n"));
  EvaluatorOptions options;
  options.glob = [](const GlobQuestion& question) -> Result<GlobAnswer> {
    EXPECT_EQ(question.pattern, "texts/{name}.txt");
    return GlobAnswer{{"name"}, {{"ab"}, {"c"}}};
  };
  const int table = ::memfd_create("watchdog", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(table, 4 * 65536), 0);
  options.watchdog_fd = table;
  const auto loaded = load(kSnakefile, options);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  const auto& rules = loaded->snakefile.rules;
  ASSERT_EQ(rules.size(), 4u);
  EXPECT_THAT(loaded->python_version, HasSubstr("3."));
  EXPECT_TRUE(loaded->snakefile.has_onstart);
  EXPECT_EQ(rules[0].name, "all");
  EXPECT_EQ(rules[0].input[0].items[1].pattern, "out/c.tsv");
  const workflow::Rule& count = rules[1];
  EXPECT_EQ(count.line, 11);
  EXPECT_TRUE(count.input[0].is_function);
  EXPECT_EQ(count.input[1].items[0].pattern, "always");
  EXPECT_EQ(count.output[0].name, "tsv");
  EXPECT_EQ(count.output[0].items[0].flags & workflow::kTemp, workflow::kTemp);
  EXPECT_TRUE(std::holds_alternative<workflow::FunctionValue>(count.threads));

  const workflow::InputQuestion question{1, {{"name", "ab"}}};
  const auto inputs = process_->inputs(std::span(&question, 1));
  ASSERT_TRUE(inputs[0]) << inputs[0].error().to_string();
  ASSERT_EQ(inputs[0]->size(), 1u);
  EXPECT_EQ((*inputs[0])[0][0].items[0].pattern, "texts/ab.txt");
  EXPECT_EQ((*inputs[0])[0][0].items[1].pattern, "more.txt");

  workflow::DetailQuestion details;
  details.job.rule = 1;
  details.job.wildcards = {{"name", "ab"}};
  details.job.input = {"texts/ab.txt", "more.txt", "always"};
  details.job.input_shape = {{"", 0, 2, true}, {"", 2, 3, false}};
  details.job.output = {"out/ab.tsv"};
  details.job.attempt = 2;
  details.threads = details.resources = details.params = true;
  const auto detailed = process_->details(std::span(&details, 1));
  ASSERT_TRUE(detailed[0]) << detailed[0].error().to_string();
  EXPECT_EQ(detailed[0]->threads, 3);
  EXPECT_EQ(detailed[0]->params.size(), 2u);
  EXPECT_EQ(detailed[0]->params[0].text, "2");
  bool has_memory = false;
  for (const auto& [name, value] : detailed[0]->resources) {
    has_memory |= name == "mem_mb" && std::get<std::int64_t>(value) == 200;
  }
  EXPECT_TRUE(has_memory);

  workflow::JobView job = details.job;
  job.threads = 3;
  const auto described = process_->describe(std::span(&job, 1));
  ASSERT_TRUE(described[0]) << described[0].error().to_string();
  EXPECT_EQ(described[0]->message, "counting ab");
  EXPECT_EQ(described[0]->launch.kind, plan::Launch::Kind::kShell);
  EXPECT_EQ(described[0]->launch.command, "wc texts/ab.txt more.txt always > out/ab.tsv # 2 3");
  EXPECT_TRUE(process_->hook("onstart", std::string(folder_) + "/log"));
  EXPECT_FALSE(process_->hook("nothing", ""));
  ::close(table);
}

TEST_F(RealEvaluator, RunsBlocksInChildren) {
  ASSERT_TRUE(os::write_file("config.yaml", "extra: more.txt\n"));
  EvaluatorOptions options;
  options.glob = [](const GlobQuestion&) -> Result<GlobAnswer> { return GlobAnswer{{"name"}, {}}; };
  const int table = ::memfd_create("watchdog", MFD_CLOEXEC);
  ASSERT_EQ(::ftruncate(table, 4 * 65536), 0);
  options.watchdog_fd = table;
  const auto loaded = load(kSnakefile, options);
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  os::EventLoop loop;
  process_->attach(loop);
  for (const std::uint32_t rule : {2u, 3u}) {
    ForkLog log;
    process_->set_fork_listener(&log);
    workflow::JobView job;
    job.rule = rule;
    job.output = {rule == 2 ? "computed" : "never"};
    std::string payload;
    process_->prepare(std::span(&job, 1), [&](std::vector<Result<workflow::Preparation>> answers) {
      ASSERT_TRUE(answers[0]) << answers[0].error().to_string();
      EXPECT_EQ(answers[0]->launch.kind, plan::Launch::Kind::kFork);
      payload = answers[0]->launch.payload;
    });
    for (int i = 0; i < 500 && payload.empty(); ++i) loop.run_once(0.02);
    const std::string out = "output" + std::to_string(rule);
    const int fd = ::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    process_->fork_child(rule, 5, payload, fd, fd);
    ::close(fd);
    for (int i = 0; i < 500 && !log.ended; ++i) loop.run_once(0.02);
    ASSERT_TRUE(log.ended);
    EXPECT_GT(log.pid, 0);
    std::int32_t written = 0;
    EXPECT_EQ(::pread(table, &written, sizeof written, 4 * 5), 4);
    EXPECT_EQ(written, log.pid);
    const std::string output = os::read_file(out).value();
    if (rule == 2) {
      EXPECT_EQ(log.status, 0) << log.error << output;
      EXPECT_EQ(output, "computing into computed\n");
      EXPECT_EQ(os::read_file("computed").value(), "done");
    } else {
      EXPECT_EQ(WEXITSTATUS(log.status), 1);
      EXPECT_THAT(output + log.error, HasSubstr("on purpose"));
    }
  }
  process_->set_fork_listener(nullptr);
  process_->detach();
  ::close(table);
}

TEST_F(RealEvaluator, ErrorsNameFileAndLine) {
  const std::pair<const char*, int> cases[] = {{"x = 1\ny = undefined_name\n", 2},
                                               {"rule a:\n    output: 'x'\n    magic: 'y'\n", 3},
                                               {"rule a:\n  input: (\n", 0},
                                               {"configfile: 'no-such.yaml'\n", 1}};
  for (const auto& [text, line] : cases) {
    const auto loaded = load(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_THAT(loaded.error().file, HasSubstr("/Snakefile")) << loaded.error().to_string();
    EXPECT_TRUE(line == 0 || loaded.error().line == line) << loaded.error().to_string();
  }
}

TEST_F(RealEvaluator, AYamlErrorNamesItsOwnLine) {
  ASSERT_TRUE(os::write_file("config.yaml", "a: 1\nb: [\n"));
  const auto loaded = load("configfile: 'config.yaml'\n");
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().to_string(), HasSubstr("config.yaml"));
}

TEST_F(RealEvaluator, KeysOfAConfigFileKeepTheirTypes) {
  ASSERT_TRUE(os::write_file("config.yaml", "chr: {1: one, 2: two}\n"));
  const auto loaded = load("configfile: 'config.yaml'\nrule a:\n    output: config['chr'][1]\n");
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  EXPECT_EQ(loaded->snakefile.rules[0].output[0].items[0].pattern, "one");
}

TEST_F(RealEvaluator, SnakefileExitsAndCrashesAreErrors) {
  const std::pair<const char*, const char*> cases[] = {
      {"import os\nos._exit(5)\n", "ended with exit status 5 while it was running"},
      {"import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", "was ended by signal 11"},
      {"import sys\nsys.exit(3)\n", ""},
      {"import os\nos.closerange(3, 100)\n", ""}};
  for (const auto& [text, expected] : cases) {
    const auto loaded = load(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_THAT(loaded.error().message, HasSubstr(expected));
  }
}

TEST_F(RealEvaluator, AMillionInputsArrive) {
  const auto begin = std::chrono::steady_clock::now();
  const auto loaded = load("rule a:\n    input: [f'in/sample_{i}.txt' for i in range(1000000)]\n");
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ASSERT_TRUE(loaded) << loaded.error().to_string();
  std::size_t items = 0;
  for (const auto& entry : loaded->snakefile.rules[0].input) items += entry.items.size();
  EXPECT_EQ(items, 1'000'000u);
  std::printf("a million inputs in %.2f s\n", seconds);
}

}  // namespace
}  // namespace furrow::snakefile
