// Maps over processes, compared with the threads backend and Python's multiprocessing.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "furrow/pool.hpp"
#include "table.hpp"

namespace bench {

namespace {

double multiprocessing(const std::string& work, int workers) {
  const std::string command =
      "/usr/bin/python3 " BENCH_FOLDER "/multiprocessing_rival.py " + work + " " + std::to_string(workers);
  const std::unique_ptr<FILE, int (*)(FILE*)> out(::popen(command.c_str(), "r"), &::pclose);
  double seconds = 0;
  if (!out || std::fscanf(out.get(), "%lf", &seconds) != 1) throw std::runtime_error("cannot run " + command);
  return seconds;
}

std::vector<int> numbers(std::size_t count) {
  std::vector<int> made(count);
  std::iota(made.begin(), made.end(), 0);
  return made;
}

// A map that returns its inputs, and checks them.
double identity(furrow::Pool& pool, const std::vector<int>& items, std::size_t chunksize) {
  std::vector<int> results;
  const double took = timed([&] {
    results = pool.map([](int x) { return x; }, items, {.chunksize = chunksize, .threads_are_safe = true});
  });
  if (results != items) throw std::runtime_error("wrong results");
  return took;
}

// Made at the first use and destroyed with its row: a fork copies the page tables of everything in this
// program.
template <class Make>
auto lazily(Make make) {
  auto made = std::make_shared<std::optional<std::invoke_result_t<Make>>>();
  return [made, make]() -> auto& {
    if (!*made) made->emplace(make());
    return **made;
  };
}

Row start_row(int workers) {
  Row start{"processes: construction and first map of 2 items",
            "s",
            1,
            {},
            {"under 0.005 s", [](const auto& t) { return t[0] < 0.005; }},
            15};
  start.contenders = {
      {"Furrow",
       [=] {
         return timed([&] {
           furrow::Pool fresh{furrow::processes(workers)};
           if (fresh.map([](int x) { return x + 1; }, std::vector<int>{1, 2},
                         {.threads_are_safe = true})[1] != 3)
             throw std::runtime_error("wrong");
         });
       }},
      {"multiprocessing", [=] { return multiprocessing("start", workers); }},
  };
  return start;
}

Row calls_row(int workers, const std::shared_ptr<furrow::Pool>& pool) {
  constexpr std::size_t kSingle = 2'000'000;
  const auto items = lazily([] { return numbers(kSingle); });
  Row calls{"processes: empty tasks, chunksize 1",
            "million/s",
            kSingle / 1e6,
            {},
            {"over 5 million/s", [](const auto& t) { return kSingle / 1e6 / t[0] > 5; }},
            7};
  calls.contenders = {
      {"Furrow", [=] { return identity(*pool, items(), 1); }},
      {"multiprocessing", [=] { return multiprocessing("calls", workers) * (kSingle / 20'000.0); }},
  };
  return calls;
}

Row arrays_row(int workers, const std::shared_ptr<furrow::Pool>& pool) {
  using Arrays = std::vector<std::vector<double>>;
  const auto two = lazily([] { return Arrays(2, std::vector<double>(8 << 20, 1.5)); });
  Row arrays{"processes: 64 MiB in and out of each of 2 tasks, warm",   "s", 1, {},
             {"under 0.1 s", [](const auto& t) { return t[0] < 0.1; }}, 7};
  arrays.contenders = {
      {"Furrow",
       [=] {
         const Arrays& given = two();
         Arrays back;
         const double took = timed([&] {
           back = pool->map([](const std::vector<double>& x) { return x; }, given,
                            {.chunksize = 1, .threads_are_safe = true});
         });
         if (back != given) throw std::runtime_error("wrong results");
         return took;
       }},
      {"multiprocessing", [=] { return multiprocessing("arrays", workers); }},
  };
  return arrays;
}

// What a program without a library does: each worker process makes its part of the texts in memory that both share, one length and
// its bytes after the other, and the parent makes the strings.
std::vector<std::string> plain_texts(const std::vector<int>& items, int workers, std::string (*f)(int)) {
  const std::size_t room = (std::size_t{64} << 20) / static_cast<std::size_t>(workers);
  auto* const memory = static_cast<char*>(::mmap(nullptr, room * static_cast<std::size_t>(workers),
                                                 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (memory == MAP_FAILED) throw std::runtime_error("no memory");
  const auto first_of = [&](int w) {
    return items.size() * static_cast<std::size_t>(w) / static_cast<std::size_t>(workers);
  };
  for (int w = 0; w < workers; ++w) {
    if (::fork() != 0) continue;
    char* at = memory + room * static_cast<std::size_t>(w);
    for (std::size_t i = first_of(w); i < first_of(w + 1); ++i) {
      const std::string text = f(items[i]);
      const std::size_t size = text.size();
      std::memcpy(at, &size, sizeof size);
      std::memcpy(at + sizeof size, text.data(), size);
      at += sizeof size + size;
    }
    ::_exit(0);
  }
  for (int w = 0; w < workers; ++w) ::wait(nullptr);
  std::vector<std::string> texts(items.size());
  for (int w = 0; w < workers; ++w) {
    const char* at = memory + room * static_cast<std::size_t>(w);
    for (std::size_t i = first_of(w); i < first_of(w + 1); ++i) {
      std::size_t size = 0;
      std::memcpy(&size, at, sizeof size);
      texts[i].assign(at + sizeof size, size);
      at += sizeof size + size;
    }
  }
  ::munmap(memory, room * static_cast<std::size_t>(workers));
  return texts;
}

std::string text_of(int x) {
  return std::string(40 + static_cast<std::size_t>(x % 40), static_cast<char>('a' + x % 26));
}

Row texts_row(int workers, const std::shared_ptr<furrow::Pool>& pool) {
  constexpr std::size_t kTexts = 500'000;
  const auto items = lazily([] { return numbers(kTexts); });
  const auto checked = [=](const auto& make) {
    std::vector<std::string> texts;
    const double took = timed([&] { texts = make(items()); });
    for (std::size_t i = 0; i < kTexts; ++i)
      if (texts[i] != text_of(static_cast<int>(i))) throw std::runtime_error("wrong results");
    return took;
  };
  Row row{"processes: a vector of 500,000 strings of 40 to 79 bytes",
          "million/s",
          kTexts / 1e6,
          {},
          {"0.95 of plain code", [](const auto& t) { return ratio_to(t, 1) >= 0.95; }},
          15};
  row.contenders = {
      {"Furrow",
       [=] {
         return checked([&](const auto& xs) { return pool->map(text_of, xs, {.threads_are_safe = true}); });
       }},
      {"plain code, shared memory",
       [=] { return checked([&](const auto& xs) { return plain_texts(xs, workers, text_of); }); }},
  };
  return row;
}

constexpr int kMany = 20'000'000;

// The pool of threads is made last, because its threads stay.
std::shared_ptr<furrow::Pool> last_of_all(std::shared_ptr<furrow::Pool>& threads, int workers) {
  if (!threads) threads = std::make_shared<furrow::Pool>(furrow::threads(workers));
  return threads;
}

double numbers_back(furrow::Pool& pool) {
  std::vector<int> results;
  const double took = timed([&] {
    results = pool.map([](int x) { return x; }, std::views::iota(0, kMany), {.threads_are_safe = true});
  });
  for (int i = 0; i < kMany; ++i)
    if (results[static_cast<std::size_t>(i)] != i) throw std::runtime_error("wrong results");
  return took;
}

Row chunks_row(int workers, const std::shared_ptr<furrow::Pool>& pool,
               const std::shared_ptr<std::shared_ptr<furrow::Pool>>& threads) {
  Row chunks{"processes: 20 million empty tasks, automatic chunks",
             "million/s",
             kMany / 1e6,
             {},
             {"within 2 times of threads", [](const auto& t) { return t[0] <= 2 * t[2]; }},
             7};
  chunks.contenders = {
      {"Furrow", [=] { return numbers_back(*pool); }},
      {"multiprocessing", [=] { return multiprocessing("chunks", workers) * (kMany / 1e6); }},
      {"Furrow's threads", [=] { return numbers_back(*last_of_all(*threads, workers)); }},
  };
  return chunks;
}

// No goal: most of the time here goes into the fork and the first access to each page of the inputs after it.
// That depends on the machine's memory management.
Row vector_row(int workers, const std::shared_ptr<furrow::Pool>& pool,
               const std::shared_ptr<std::shared_ptr<furrow::Pool>>& threads) {
  const auto items = lazily([] { return numbers(kMany); });
  Row row{"processes: the same over a vector of 80 MB", "million/s", kMany / 1e6, {}, {}, 7};
  row.contenders = {
      {"Furrow", [=] { return identity(*pool, items(), 0); }},
      {"Furrow's threads", [=] { return identity(*last_of_all(*threads, workers), items(), 0); }},
  };
  return row;
}

}  // namespace

std::vector<Row> process_rows(int workers) {
  auto pool = std::make_shared<furrow::Pool>(furrow::processes(workers));
  auto threads = std::make_shared<std::shared_ptr<furrow::Pool>>();
  return {start_row(workers),       calls_row(workers, pool),           arrays_row(workers, pool),
          texts_row(workers, pool), chunks_row(workers, pool, threads), vector_row(workers, pool, threads)};
}

}  // namespace bench
