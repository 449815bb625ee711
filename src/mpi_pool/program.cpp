#include "mpi_pool/program.hpp"

#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "furrow/errors.hpp"
#include "mpi_pool/launcher.hpp"
#include "os/cores/share.hpp"
#include "os/process/slurm_rank.hpp"
#include "pool/task/modules.hpp"

namespace furrow::mpi_pool {

namespace {

std::uint64_t identity_of_program() {
  const std::string& build_id = pool::program_module().build_id;
  if (!build_id.empty()) return hash64(build_id);
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string contents((std::istreambuf_iterator<char>(file)), {});
  return hash64(contents);
}

std::string list_of(const std::vector<int>& ranks) {
  constexpr std::size_t kMost = 10;
  std::string text = ranks.size() == 1 ? "rank " : "ranks ";
  for (std::size_t i = 0; i < std::min(ranks.size(), kMost); ++i)
    text += (i ? ", " : "") + std::to_string(ranks[i]);
  return ranks.size() > kMost ? text + " and " + std::to_string(ranks.size() - kMost) + " more" : text;
}

int number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  return text ? std::max(std::atoi(text), 0) : 0;
}

// "2(x3),1" means: 2 on each of the first three nodes, then 1.
int slurm_tasks_here() {
  const char* at = std::getenv("SLURM_STEP_TASKS_PER_NODE");
  if (!at) return 0;
  int node = number_in("SLURM_NODEID");
  while (*at) {
    char* end = nullptr;
    const int tasks = static_cast<int>(std::strtol(at, &end, 10));
    int nodes = 1;
    if (end[0] == '(' && end[1] == 'x') {
      nodes = static_cast<int>(std::strtol(end + 2, &end, 10));
      if (*end == ')') ++end;
    }
    if (node < nodes) return tasks;
    node -= nodes;
    if (*end != ',') return 0;
    at = end + 1;
  }
  return 0;
}

// Whether ADDRESS lies in the program itself, which comes first in the list, and not in a plugin.
bool is_in_program(std::uintptr_t address) {
  const auto look = [](dl_phdr_info* module, std::size_t, void* found) {
    auto& sought = *static_cast<std::uintptr_t*>(found);
    for (int i = 0; i < module->dlpi_phnum; ++i) {
      const ElfW(Phdr)& part = module->dlpi_phdr[i];
      if (part.p_type == PT_LOAD && sought - module->dlpi_addr - part.p_vaddr < part.p_memsz) sought = 0;
    }
    return 1;
  };
  ::dl_iterate_phdr(look, &address);
  return address == 0;
}

// Runs before main: later there may be threads, and code that has stored the process id. In a plugin it would
// run too late, so the program that loads the plugin starts the supervisor itself.
[[gnu::constructor]] void start_supervisor() {
  if (is_in_program(reinterpret_cast<std::uintptr_t>(&start_supervisor)))
    Program::here().supervisor = os::supervise_slurm_rank();
}

}  // namespace

int ranks_here_by_environment() {
  for (const char* variable : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"})
    if (const int ranks = number_in(variable)) return ranks;
  return slurm_tasks_here();
}

bool mpi_runs() {
  int initialized = 0;
  MPI_Initialized(&initialized);
  return initialized != 0;
}

int cores_for_rank(int ranks_here) { return os::share_of_cores(ranks_here).physical; }

Program& Program::here() {
  static auto* const program = new Program();  // never deleted: exit handlers use it
  return *program;
}

void Program::require_usable() const {
  if (owner_ != 0 && owner_ != ::getpid())
    throw PoolError(
        "a task cannot use the Pool over MPI that it runs in: make a Pool of threads inside the task");
  if (ended_) throw PoolError("MPI has been finalized: nothing can be sent to other ranks any more");
  if (!started() || threads_ >= MPI_THREAD_SERIALIZED) return;
  int is_main = 0;
  MPI_Is_thread_main(&is_main);
  if (!is_main)
    throw PoolError(
        "MPI was started for one thread, and this is another one: start it with "
        "MPI_THREAD_SERIALIZED, or let the Pool start it");
}

void Program::start(int threads, std::uint64_t identity) {
  if (started()) return;
  owner_ = ::getpid();
  enter(os::Supervisor::Stage::kNeeded);
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized) {
    MPI_Query_thread(&threads_);
  } else {
    MPI_Init_thread(nullptr, nullptr, threads, &threads_);
    std::atexit([] { here().finalize(); });
  }
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (const std::string problem = foreign_launcher(size); !problem.empty()) throw PoolError(problem);
  MPI_Comm_dup(MPI_COMM_WORLD, &communicator_);
  transport_ = std::make_unique<MpiTransport>(communicator_);
  rank_ = transport_->rank();
  size_ = transport_->size();
  int key = MPI_KEYVAL_INVALID;
  MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, &before_end, &key, nullptr);
  MPI_Comm_set_attr(MPI_COMM_SELF, key, this);
  MPI_Comm_free_keyval(&key);
  compare_builds(identity);
}

std::vector<int> Program::gather(int mine) {
  std::vector<int> all(static_cast<std::size_t>(size_));
  MPI_Allgather(&mine, 1, MPI_INT, all.data(), 1, MPI_INT, communicator_);
  return all;
}

void Program::compare_builds(std::uint64_t identity) {
  const std::uint64_t mine = identity_of_program() ^ identity;
  std::vector<std::uint64_t> all(static_cast<std::size_t>(size_));
  MPI_Allgather(&mine, 1, MPI_UINT64_T, all.data(), 1, MPI_UINT64_T, communicator_);
  std::vector<int> others;
  for (int i = 0; i < size_; ++i)
    if (all[static_cast<std::size_t>(i)] != all[0]) others.push_back(i);
  FURROW_LOG(mpi, info, "rank {} of {} runs build {:016x}; {} ranks run another one than rank 0", rank_,
             size_, mine, others.size());
  if (others.empty()) return;
  mismatch_ =
      list_of(others) + (others.size() == 1 ? " runs" : " run") +
      " another build of this program than rank 0: functions are sent as addresses in the program, so all "
      "ranks must run the same build. Copy it to all computers again, or start it from a shared folder";
}

// MPI_Finalize deletes this attribute before anything else, while MPI still works.
int Program::before_end(MPI_Comm, int, void* program, void*) {
  auto& self = *static_cast<Program*>(program);
  if (self.owner_ != ::getpid()) return MPI_SUCCESS;
  if (self.rank_ == 0) self.at_end();
  self.transport_->flush();
  self.transport_->close();
  self.ended_ = true;
  self.enter(os::Supervisor::Stage::kLeaving);
  return MPI_SUCCESS;
}

void Program::finalize() {
  if (owner_ != ::getpid()) return;
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized) MPI_Finalize();
  enter(os::Supervisor::Stage::kOver);
}

void Program::enter(os::Supervisor::Stage stage) const {
  if (supervisor != nullptr) supervisor->enter(stage);
}

}  // namespace furrow::mpi_pool
