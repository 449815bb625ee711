// ./dev bench pool [PATTERN]
#include <cstdio>
#include <cstring>
#include <string>

#include <thread>
#include "table.hpp"

int main(int argc, char** argv) {
  const char* pattern = argc > 1 ? argv[1] : "";
  const int workers = static_cast<int>(std::thread::hardware_concurrency());
  bench::print_head(workers);
  for (const auto& rows :
       {bench::process_rows(workers), bench::thread_rows(workers), bench::call_rows(workers)})
    for (const bench::Row& row : rows)
      if (std::strstr(row.work.c_str(), pattern)) bench::measure(row);
}
