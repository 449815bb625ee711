// A program with a Pool over MPI, for tests that disturb it: `rank_program [exit | CODE]`. Its tasks create
// the file "begun" in the current folder, and do not end while there is a file "wait". With "exit", rank 0
// calls _exit(3) without ending MPI; otherwise it ends with status CODE.
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <furrow/mpi.hpp>
#include <string>
#include <vector>

namespace {

int slowly(int item) {
  std::ofstream("begun").flush();
  do ::usleep(20'000);
  while (::access("wait", F_OK) == 0);
  return item;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string end = argc > 1 ? argv[1] : "";
  furrow::Pool pool{furrow::mpi(1)};
  std::vector<int> items(end.empty() ? 100'000 : 20);
  pool.map(slowly, items);
  if (end == "exit") ::_exit(3);
  return std::atoi(end.c_str());
}
