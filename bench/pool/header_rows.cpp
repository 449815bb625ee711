// The cost of the Pool to a program: compile time for including it, memory for using it.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <string>

#include "furrow/pool.hpp"
#include "table.hpp"

namespace bench {

namespace {

double compile(const std::string& file) {
  const std::string command =
      "g++ -std=c++20 -I" INCLUDE_FOLDER " -c " BENCH_FOLDER "/" + file + " -o /dev/null";
  return timed([&] {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("cannot run " + command);
  });
}

// Peak memory in MB of a child that runs WORK, without the child's own children.
template <class Work>
double peak_of(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || ::wait4(child, &status, 0, &used) < 0 || status != 0)
    throw std::runtime_error("the child failed");
  return static_cast<double>(used.ru_maxrss) / 1024;
}

double peak_of_map(furrow::Backend backend) {
  return peak_of([=] {
    std::vector<int> items(10'000'000);
    std::iota(items.begin(), items.end(), 0);
    furrow::Pool pool{backend};
    if (pool.map([](int x) { return x; }, items) != items) std::abort();
  });
}

}  // namespace

std::vector<Row> header_rows(int workers) {
  Row header{"compile a program with a map over a vector",
             "s",
             1,
             {},
             {"at most twice the time", [](const auto& t) { return t[0] <= 2 * t[1]; }},
             5};
  header.contenders = {
      {"furrow/pool.hpp", [] { return compile("compiled/with_pool.cpp"); }},
      {"standard headers", [] { return compile("compiled/without_pool.cpp"); }},
  };
  Row memory{"memory for a map of 10 million ints",
             "MB",
             1,
             {},
             {"inputs and outputs (76 MB), as a loop has them, plus at most 16 MB",
              [](const auto& t) { return std::max(t[0], t[1]) <= t[2] + 16; }},
             1};
  memory.contenders = {
      {"Furrow's threads", [=] { return peak_of_map(furrow::threads(workers)); }},
      {"Furrow's processes", [=] { return peak_of_map(furrow::processes(workers)); }},
      {"a plain loop",
       [] {
         return peak_of([] {
           std::vector<int> items(10'000'000), results(10'000'000);
           std::iota(items.begin(), items.end(), 0);
           for (std::size_t i = 0; i < items.size(); ++i) results[i] = items[i];
           if (results != items) std::abort();
         });
       }},
  };
  return {header, memory};
}

}  // namespace bench
