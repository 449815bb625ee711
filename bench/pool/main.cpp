// ./dev bench pool [PATTERN]: only the rows whose text contains PATTERN. Exits with 1 if a goal was missed.
#include <cstdio>
#include <cstring>

#include "furrow/cpu_count.hpp"
#include "table.hpp"

int main(int argc, char** argv) {
  const char* pattern = argc > 1 ? argv[1] : "";
  const int workers = furrow::cpu_count();
  bench::print_head(workers);
  int missed = 0, measured = 0;
  // Processes first, because they must be forked while this program has no other threads.
  for (auto* rows : {bench::process_rows, bench::header_rows, bench::thread_rows, bench::reduce_rows,
                     bench::call_rows, bench::async_rows})
    for (bench::Row& row : rows(workers)) {
      if (std::strstr(row.work.c_str(), pattern)) {
        ++measured;
        missed += !bench::measure(row);
      }
      row = {};  // frees its data
    }
  std::printf("\n%d rows; %d goals missed\n", measured, missed);
  return missed > 0 || measured == 0;
}
