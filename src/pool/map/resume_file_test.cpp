#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <thread>

#include "furrow/pool.hpp"
#include "furrow/task.hpp"
#include "pool/map/resume_format.hpp"
#include "support/print_backend.hpp"
#include "support/temporary_folder.hpp"

namespace furrow {
namespace {

using support::content_of;
using support::TemporaryFolder;

std::vector<int> numbers(int count) {
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// Counts in memory that worker processes share.
class SharedCount {
 public:
  SharedCount()
      : count_(new(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
                   std::atomic<int>(0)) {}
  ~SharedCount() { ::munmap(count_, 4096); }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;
  void add() const { count_->fetch_add(1); }
  int take() const { return count_->exchange(0); }
  int see() const { return count_->load(); }

 private:
  std::atomic<int>* count_;
};

std::string refusal_of(const std::function<void()>& map) {
  try {
    map();
  } catch (const PoolError& error) {
    return error.what();
  }
  return "was not refused";
}

class ResumeOn : public testing::TestWithParam<Backend> {
 protected:
  Pool make() const { return Pool(GetParam()); }
  TemporaryFolder folder;
  SharedCount calls;
};

TEST_P(ResumeOn, RunsNothingAgainAfterAFinishedMap) {
  const auto xs = numbers(1000);
  const auto f = [this](int x) {
    calls.add();
    return x * 0.5;
  };
  const MapOptions options{.resume = {"file", "halves"}};
  const auto first = make().map(f, xs, options);
  EXPECT_EQ(calls.take(), 1000);
  EXPECT_EQ(make().map(f, xs, options), first);
  EXPECT_EQ(calls.take(), 0);
  EXPECT_EQ(first[999], 499.5);
}

TEST_P(ResumeOn, RunsOnlyTheItemsThatFailed) {
  const auto xs = numbers(300);
  bool works = false;
  const auto f = [&](int x) {
    calls.add();
    if (!works && x % 100 == 7) throw std::runtime_error("not yet");
    return std::to_string(x);
  };
  const MapOptions options{.chunksize = 13, .resume = {"file", "f"}};
  Pool pool = make();
  EXPECT_THROW(pool.map(f, xs, options), std::runtime_error);
  EXPECT_EQ(calls.take(), 300);
  works = true;
  const auto ys = pool.map(f, xs, options);
  EXPECT_EQ(calls.take(), 3);
  for (int x : xs) EXPECT_EQ(ys[static_cast<std::size_t>(x)], std::to_string(x));
}

TEST_P(ResumeOn, ContinuesAFailFastMapWhereItStopped) {
  const auto xs = numbers(200);
  bool works = false;
  const auto f = [&](int x) {
    calls.add();
    if (!works && x == 57) throw std::runtime_error("stop here");
    return x + 1;
  };
  const MapOptions options{.chunksize = 10, .on_error = OnError::kFailFast, .resume = {"file", "f"}};
  Pool pool = make();
  EXPECT_THROW(pool.map(f, xs, options), std::runtime_error);
  const int before = calls.take();
  works = true;
  const auto ys = pool.map(f, xs, options);
  EXPECT_GE(calls.take() + before, 201);
  for (int x : xs) EXPECT_EQ(ys[static_cast<std::size_t>(x)], x + 1);
}

TEST_P(ResumeOn, ResumesEveryKindOfMap) {
  const auto xs = numbers(50);
  std::vector<std::pair<int, int>> pairs;
  for (int x : xs) pairs.emplace_back(x, 2 * x);
  for (int round = 0; round < 2; ++round) {
    Pool pool = make();
    const auto with = [](const char* path) { return MapOptions{.resume = {path, "key"}}; };
    const auto count = [&](auto result) {
      calls.add();
      return result;
    };
    std::vector<double> out(50);
    pool.map_into(
        out, [&](int x) { return count(x * 1.5); }, xs, with("into"));
    EXPECT_EQ(out[49], 73.5);
    EXPECT_EQ(pool.starmap([&](int a, int b) { return count(a + b); }, pairs, with("star"))[9], 27);
    const auto outcomes =
        pool.try_map([&](int x) { return count(std::string(3, char('a' + x % 26))); }, xs, with("try"));
    EXPECT_EQ(outcomes[1].value(), "bbb");
    pool.for_each([&](int) { calls.add(); }, xs, with("each"));
    EXPECT_TRUE(pool.try_map([&](int) { calls.add(); }, xs, with("void"))[49].ok());
    EXPECT_EQ(pool.map([&](int x) { return count(x % 3 == 0); }, xs, with("bool"))[3], true);
    const auto sum = pool.map_reduce([&](int x) { return count(0.1 * x); }, std::plus<>{}, xs, with("sum"));
    EXPECT_EQ(sum, Pool(serial()).map_reduce([](int x) { return 0.1 * x; }, std::plus<>{}, xs));
    EXPECT_EQ(calls.take(), round == 0 ? 7 * 50 : 0);
  }
}

TEST_P(ResumeOn, RunsOnlyTheFailedBlocksOfAReduction) {
  const auto xs = numbers(10000);  // three items in a block
  bool works = false;
  const auto f = [&](int x) {
    calls.add();
    if (!works && x == 5000) throw std::runtime_error("not yet");
    return 1.0 / (x + 1);
  };
  const MapOptions options{.resume = {"file", "f"}};
  Pool pool = make();
  EXPECT_THROW(pool.map_reduce(f, std::plus<>{}, xs, options), std::runtime_error);
  calls.take();
  works = true;
  const double sum = pool.map_reduce(f, std::plus<>{}, xs, options);
  EXPECT_EQ(calls.take(), 3);
  EXPECT_EQ(sum, Pool(serial()).map_reduce(f, std::plus<>{}, xs));
}

TEST_P(ResumeOn, DrawsTheRandomNumbersOfTheFirstRun) {
  const auto xs = numbers(100);
  bool works = true;
  const auto f = [&](int x) {
    if (!works && x % 2) throw std::runtime_error("not yet");
    return task_rng().uniform01();
  };
  const MapOptions options{.resume = {"file", "f"}};
  Pool reference = make();
  reference.map(f, xs);
  const auto expected = reference.map(f, xs);

  works = false;
  Pool first = make();
  first.try_map(f, xs);
  first.try_map(f, xs, options);
  works = true;
  EXPECT_EQ(make().map(f, xs, options), expected);  // the first map of its Pool
}

TEST_P(ResumeOn, TriesAnItemAgainWhoseWorkerDied) {
  if (GetParam().kind != BackendKind::kProcesses) GTEST_SKIP() << "a crash would end the whole program";
  const auto xs = numbers(200);
  bool works = false;
  const auto f = [&](int x) {
    calls.add();
    if (!works && x % 50 == 9) ::raise(SIGKILL);
    return x * 2.0;
  };
  const MapOptions options{.chunksize = 7, .resume = {"file", "f"}};
  Pool pool = make();
  EXPECT_THROW(pool.map(f, xs, options), WorkerDied);
  calls.take();
  works = true;
  const auto ys = pool.map(f, xs, options);
  EXPECT_EQ(calls.take(), 4);
  for (int x : xs) EXPECT_EQ(ys[static_cast<std::size_t>(x)], x * 2.0);
}

// Runs MAP in a child that is killed at various moments, again and again until it ends by itself.
void run_until_done(const std::function<void()>& map) {
  for (int round = 0;; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      map();
      ::_exit(0);
    }
    for (int waited_ms = 0; waited_ms < 60 + 37 * (round % 7); ++waited_ms) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) == child) {
        ASSERT_EQ(status, 0);
        ASSERT_GT(round, 0) << "the map was too short to be killed";
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
}

TEST_P(ResumeOn, GivesTheSameBitsAfterKills) {
  const auto xs = numbers(300);
  const auto f = [](int x) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return x + task_rng().normal();
  };
  run_until_done([&] {
    const auto ys = make().map(f, xs, {.chunksize = 1, .resume = {"file", "f"}});
    (void)os::write_file("results", {reinterpret_cast<const char*>(ys.data()), ys.size() * sizeof(double)});
  });
  const auto ys = Pool(serial()).map([](int x) { return x + task_rng().normal(); }, xs);
  EXPECT_EQ(content_of("results"),
            std::string(reinterpret_cast<const char*>(ys.data()), ys.size() * sizeof(double)));
}

std::vector<Backend> backends() {
  std::vector<Backend> all{serial(), threads(2)};
  for (const Backend& more : {processes(2), async(2)}) {
    try {
      Pool pool(more);
      all.push_back(more);
    } catch (const PoolError&) {
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Backends, ResumeOn, testing::ValuesIn(backends()),
                         [](const auto& param) { return std::string(name(param.param.kind)); });

class ResumeFileTest : public testing::Test {
 protected:
  std::vector<std::string> words(const MapOptions& with) {
    return Pool(serial()).map(
        [&](int x) {
          calls.add();
          return std::string(static_cast<std::size_t>(x % 5), 'x') + std::to_string(x);
        },
        xs, with);
  }
  // Runs the map with BYTES in the file, and checks that the file is whole again afterwards.
  void expect_right_with(const std::string& bytes, int most_calls, bool refused) {
    (void)os::write_file("file", bytes);
    calls.take();
    try {
      EXPECT_EQ(words(options), expected);
      EXPECT_FALSE(refused);
      EXPECT_LE(calls.take(), most_calls);
      EXPECT_EQ(words(options), expected);
      EXPECT_EQ(calls.take(), 0);
    } catch (const PoolError&) {
      EXPECT_TRUE(refused);
      EXPECT_EQ(content_of("file"), bytes) << "a refused file must not be changed";
    }
  }

  TemporaryFolder folder;
  SharedCount calls;
  const std::vector<int> xs = numbers(12);
  const MapOptions options{.chunksize = 5, .resume = {"file", "words"}};
  const std::vector<std::string> expected = words(options);
};

TEST_F(ResumeFileTest, CutsOffAnIncompleteTail) {
  const std::string whole = content_of("file");
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    SCOPED_TRACE(size);
    expect_right_with(whole.substr(0, size), 12, false);
  }
  calls.take();
  (void)os::write_file("file", whole.substr(0, whole.size() - 1));
  words(options);
  EXPECT_EQ(calls.take(), 2) << "only the last record was incomplete";
}

TEST_F(ResumeFileTest, NeverGivesAWrongResultFromAFlippedBit) {
  const std::string whole = content_of("file");
  const std::size_t header = pool::read_header(whole).size;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    SCOPED_TRACE(i);
    std::string bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
    expect_right_with(bytes, 12, i < header);
  }
}

TEST_F(ResumeFileTest, RejectsARecordAtAnotherOffset) {
  const std::string whole = content_of("file");
  const std::size_t header = pool::read_header(whole).size;
  std::uint64_t body = 0;
  std::memcpy(&body, whole.data() + header + 16, sizeof body);
  const std::size_t record = pool::kRecordHead + body + pool::kRecordTail;
  (void)os::write_file(
      "file", whole.substr(0, header) + whole.substr(header + record) + whole.substr(header, record));
  calls.take();
  EXPECT_EQ(words(options), expected);
  EXPECT_EQ(calls.take(), 12);
}

TEST_F(ResumeFileTest, IgnoresZerosAfterAPowerCut) {
  const std::string whole = content_of("file");
  expect_right_with(whole + std::string(4096, '\0'), 0, false);
}

TEST_F(ResumeFileTest, SaysWhatDiffersWhenItRefusesAFile) {
  Pool pool{serial()};
  const auto refusal = [&](const auto& f, const auto& inputs, const MapOptions& with) {
    return refusal_of([&] { pool.map(f, inputs, with); });
  };
  const auto f = [&](int x) {
    calls.add();
    return std::to_string(x);
  };
  calls.take();
  const auto contains = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
    EXPECT_NE(text.find("file"), std::string::npos) << text;
  };
  contains(refusal(f, xs, {.resume = {"file", "others"}}), "results of \"words\", not of \"others\"");
  contains(refusal(f, numbers(13), {.resume = {"file", "words"}}), "12 items, and this one has 13");
  auto others = xs;
  others[7] = 8;
  contains(refusal(f, others, {.resume = {"file", "words"}}), "other inputs");
  contains(refusal(f, xs, {.seed = 0, .resume = {"file", "words"}}), "the Pool's seed");
  contains(refusal([](int x) { return x; }, xs, {.resume = {"file", "words"}}), "another type");
  contains(refusal([](int) {}, xs, {.resume = {"file", "words"}}), "another type");
  contains(refusal_of([&] { Pool(serial(), {.seed = 3}).map(f, xs, options); }),
           "seed 0, and this map has 3");
  (void)os::write_file("file", "What is this file?");
  contains(refusal(f, xs, options), "not a resume file");
  EXPECT_EQ(content_of("file"), "What is this file?");
  EXPECT_EQ(calls.take(), 0);
}

TEST_F(ResumeFileTest, RefusesAnotherVersion) {
  std::string bytes = content_of("file");
  bytes[8] = 2;
  (void)os::write_file("file", bytes);
  EXPECT_NE(refusal_of([&] { words(options); }).find("version 2"), std::string::npos);
}

TEST_F(ResumeFileTest, RefusesPathsThatCannotBeUsed) {
  EXPECT_NE(refusal_of([&] {
              words({.resume = {"no/such/folder", "k"}});
            }).find("No such file"),
            std::string::npos);
  EXPECT_NE(refusal_of([&] {
              words({.resume = {"/dev/null", "k"}});
            }).find("not a regular file"),
            std::string::npos);
}

TEST_F(ResumeFileTest, RefusesResultsThatCannotBeKept) {
  Pool pool{serial()};
  const auto f = [](int x) { return std::make_unique<int>(x); };
  EXPECT_NE(refusal_of([&] {
              pool.map(f, xs, {.resume = {"other", "k"}});
            }).find("Codec"),
            std::string::npos);
}

TEST_F(ResumeFileTest, RefusesToStream) {
  Pool pool{serial()};
  EXPECT_NE(refusal_of([&] { pool.imap([](int x) { return x; }, xs, options); }).find("imap"),
            std::string::npos);
}

// Without captures, since persistent workers run it; so its state is in shared memory.
const SharedCount* the_works = nullptr;
const SharedCount* the_calls = nullptr;
int fails_until_it_works(int x) {
  the_calls->add();
  if (x == 0 && the_works->see() == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    throw std::range_error("not yet");
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return x + 1;
}

TEST_F(ResumeFileTest, KeepsOnlyFinishedItemsOfAStoppedMapOnPersistentWorkers) {
  const SharedCount works;
  the_works = &works;
  the_calls = &calls;
  calls.take();
  Pool pool{processes(2)};
  const auto many = numbers(400);
  MapOptions with{.chunksize = 100, .on_error = OnError::kFailFast, .resume = {"standing", "f"}};
  with.standing = true;
  EXPECT_THROW(pool.map(fails_until_it_works, many, with), std::range_error);
  EXPECT_LT(calls.take(), 200) << "stopped tasks must not start again";
  works.add();
  const auto ys = pool.map(fails_until_it_works, many, with);
  for (int x : many) ASSERT_EQ(ys[static_cast<std::size_t>(x)], x + 1);
}

TEST_F(ResumeFileTest, ServesOneRunAtATime) {
  Pool pool{serial()};
  std::string refusal;
  pool.map(
      [&](int x) {
        if (x == 0) refusal = refusal_of([&] { words({.resume = {"other", "k"}}); });
        return x;
      },
      xs, {.resume = {"other", "k"}});
  EXPECT_NE(refusal.find("in use"), std::string::npos) << refusal;
}

TEST_F(ResumeFileTest, ComparesInputsWithoutACodecByTheirNumber) {
  struct Opaque {
    explicit Opaque(int with_value) : value(with_value) {}
    Opaque(const Opaque& other) : value(other.value) {}
    int value;
  };
  std::vector<Opaque> inputs(xs.begin(), xs.end());
  Pool pool{serial()};
  const auto f = [](const Opaque& x) { return x.value; };
  const MapOptions with{.resume = {"opaque", "f"}};
  pool.map(f, inputs, with);
  EXPECT_EQ(pool.map(f, inputs, with)[5], 5);
  inputs.pop_back();
  EXPECT_NE(refusal_of([&] { pool.map(f, inputs, with); }).find("12 items"), std::string::npos);
}

TEST_F(ResumeFileTest, IgnoresPaddingInInputs) {
#if !__has_builtin(__builtin_clear_padding)
  GTEST_SKIP() << "this compiler has no __builtin_clear_padding";
#endif
  struct Padded {
    char letter;
    double number;
  };
  const auto inputs = [](int padding) {
    std::vector<Padded> all(3);
    for (Padded& each : all) {
      std::memset(static_cast<void*>(&each), padding, sizeof each);
      each.letter = 'a';
      each.number = 1;
    }
    return all;
  };
  Pool pool{serial()};
  const auto f = [](const Padded& x) { return x.number; };
  const MapOptions with{.resume = {"padded", "f"}};
  pool.map(f, inputs(0), with);
  EXPECT_NO_THROW(pool.map(f, inputs(255), with));
}

TEST_F(ResumeFileTest, KeepsTheResultsWhenAFullDiskEndsTheMap) {
  const auto f = [this](int x) {
    calls.add();
    return std::string(1000, static_cast<char>('a' + x % 26));
  };
  const auto many = numbers(500);
  const MapOptions with{.chunksize = 1, .resume = {"large", "f"}};
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200'000, 200'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      Pool(threads(2)).map(f, many, with);
    } catch (const PoolError&) {
      ::_exit(1);
    } catch (const std::runtime_error& error) {
      ::_exit(std::string(error.what()).find("File too large") == std::string::npos ? 2 : 3);
    }
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_LT(calls.take(), 500);
  const auto ys = Pool(threads(2)).map(f, many, with);
  EXPECT_EQ(ys[27], std::string(1000, 'b'));
  const int again = calls.take();
  EXPECT_LT(again, 500);
  EXPECT_GT(again, 200);
}

}  // namespace
}  // namespace furrow
