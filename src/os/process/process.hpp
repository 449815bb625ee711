// Starting programs and learning how they ended.
//
// A child is made by clone(CLONE_VM) with a stack of its own: no page of the engine is copied, however large
// it is, and a failing exec tells its errno through the shared memory. Between clone and exec the child only
// makes system calls:
//
//   die with the parent -> own process group -> pid into the guard's table -> folder -> descriptors
//     -> their limit, niceness -> signals to default -> exec
//
// All descriptors that are not named in the request must be close-on-exec. Not thread-safe, one Spawner per
// thread; make it after the program has set its own signal handlers and from the thread whose death shall end
// the children.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace furrow::os {

struct SpawnRequest {
  const char* path = nullptr;  // the file to execute; PATH is not searched
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  const char* directory = nullptr;   // null: the caller's own
  int in_fd = -1;                    // -1: /dev/null
  int out_fd = -1;                   // -1: the caller's own
  int err_fd = -1;                   // -1: the caller's own
  std::span<const int> inherited{};  // further descriptors that the program gets, under the same numbers
  std::atomic<std::int32_t>* slot = nullptr;  // where the child leaves its pid before it runs; null: nowhere
  const rlimit* descriptors = nullptr;        // the limit of open ones; null: the caller's own
  const int* nice = nullptr;                  // its niceness; null: the caller's own
  bool own_group = true;
  bool die_with_parent = true;  // SIGKILL when the spawning thread ends
};

class Berth;

struct Child {
  int pid = -1;
  int pidfd = -1;          // readable once the child has ended; the caller's to close
  Berth* berth = nullptr;  // the spawner's; where failure() looks
  std::uint32_t use = 0;   // of that berth
};

struct SpawnFailure {
  int code;  // errno
  enum class Step : std::uint8_t { kClone, kDirectory, kExec } step;
};

class Spawner {
 public:
  Spawner();
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  // Comes back when the program runs, or could not be run.
  tl::expected<Child, SpawnFailure> spawn(const SpawnRequest& request);
  // Comes back at once: where all cores are busy, the child may have to wait for one. A program that cannot
  // be run shows as a child that ends, for a reason that failure() knows. Keeps nothing of the request.
  tl::expected<Child, SpawnFailure> start(const SpawnRequest& request);
  // Why a child of start() never became the program; nullopt if it did. Once, when the child has ended.
  std::optional<SpawnFailure> failure(const Child& child);

 private:
  Berth& free_berth();
  bool is_crowded() const;
  tl::expected<Child, SpawnFailure> clone(Berth& berth, const SpawnRequest& request, int flags);

  std::vector<std::unique_ptr<Berth>> berths_;  // as many as there were children at a time before exec
  bool waits_;                                  // start() is spawn()
  int null_fd_ = -1;
  int pid_ = -1;                      // this process's own
  std::vector<int> changed_signals_;  // whose disposition is not the default
  bool has_handlers_ = false;         // some of those run code of this program
};

struct Ended {
  int raw_status = 0;  // as wait() gives it
  double user_s = 0, system_s = 0;
  // The kernel counts what the child shared with this process before exec as its own: if it is not more than
  // own_peak_kb(), it tells nothing about the child.
  std::int64_t max_rss_kb = 0;
  std::int64_t read_blocks = 0, write_blocks = 0;
};

// How a child ended, if it has, without letting go of its pid: so its group can be ended before the number is
// free again.
std::optional<int> peek_status(int pid);  // raw status
std::optional<Ended> reap(int pid);       // nullopt while it runs
Ended wait_for(int pid);                  // blocks; status 0 if there is no such child

std::int64_t own_peak_kb();  // of this process's resident memory

int exit_code(int raw_status);    // -1 where a signal ended it
int exit_signal(int raw_status);  // 0 where none did

// Signals a process group, the stopped ones too; false where no such group is left.
bool signal_group(int group, int signal);
bool group_exists(int group);  // zombies count
// Those of GROUPS in which a process is alive, sorted. Zombies do not count: nobody may ever reap them. One
// look at all of /proc.
std::vector<int> living_groups(std::vector<int> groups);

// The file that NAME stands for: itself if it holds a slash, else the first executable file of that name in
// PATH.
std::optional<std::string> find_program(std::string_view name, std::string_view path);

// /dev/null in place of standard descriptors that the caller of this program has closed; first thing in main.
void ensure_standard_descriptors();

}  // namespace furrow::os
