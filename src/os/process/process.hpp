// Starting programs and learning how they ended.
//
// clone(CLONE_VM) makes a child with a stack of its own: no page of the engine is copied, however large the
// engine is, and a failing exec reports its errno through the shared memory. Between clone and exec the child
// only makes system calls:
//
//   ask to die with the parent -> own process group -> pid into the watchdog's table -> folder -> descriptors
//     -> their limit, niceness -> signals to default -> exec
//
// All descriptors that are not named in the request must be close-on-exec. Not thread-safe, one Spawner per
// thread. Create it after the program has set its own signal handlers, in the thread whose death shall end
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
  // The file to execute; PATH is not searched.
  const char* path = nullptr;
  char* const* argv = nullptr;
  char* const* envp = nullptr;
  // Null: the caller's own.
  const char* directory = nullptr;
  // -1: /dev/null.
  int in_fd = -1;
  // -1: the caller's own.
  int out_fd = -1;
  // -1: the caller's own.
  int err_fd = -1;
  // Further descriptors that the program gets, under the same numbers.
  std::span<const int> inherited{};
  // Where the child stores its pid before exec; null: nowhere.
  std::atomic<std::int32_t>* slot = nullptr;
  // The limit of open descriptors; null: the caller's own.
  const rlimit* descriptors = nullptr;
  // The program's niceness; null: the caller's own.
  const int* nice = nullptr;
  bool own_group = true;
  // The kernel sends SIGKILL when the spawning thread ends.
  bool die_with_parent = true;
};

class SpawnContext;

struct Child {
  int pid = -1;
  // Readable once the child has ended; the caller closes it. Without pidfds, the end of a pipe.
  int pidfd = -1;
  // Owned by the spawner; failure() looks there.
  SpawnContext* context = nullptr;
  // Which use of that context this child is.
  std::uint32_t use = 0;
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

  // Returns when the program runs, or could not be run.
  tl::expected<Child, SpawnFailure> spawn(const SpawnRequest& request);
  // Returns at once: if all cores are busy, the child may have to wait for one. If the program cannot be run,
  // the child ends, and failure() gives the reason. Keeps no reference to the request.
  tl::expected<Child, SpawnFailure> start(const SpawnRequest& request);
  // Why a child of start() never became the program; nullopt if it did. Call it once, after the child has
  // ended.
  std::optional<SpawnFailure> failure(const Child& child);
  // Whether a child of start() has not executed its program yet. Its memory is ours until then.
  static bool shares_our_memory(const Child& child);

 private:
  SpawnContext& free_context();
  bool is_crowded() const;
  tl::expected<Child, SpawnFailure> clone(SpawnContext& context, const SpawnRequest& request, int flags);

  // As many as there were children before exec at one time.
  std::vector<std::unique_ptr<SpawnContext>> contexts_;
  // Whether start() waits, as spawn() does.
  bool waits_;
  // Whether the kernel makes them, as far as is known; otherwise notice_of_end() does their work.
  bool has_pidfds_ = true;
  int null_fd_ = -1;
  // Of this process.
  int pid_ = -1;
  // The signals whose disposition is not the default.
  std::vector<int> changed_signals_;
  // Whether some of them run code of this program.
  bool has_handlers_ = false;
};

struct Ended {
  int raw_status = 0;  // as wait() gives it
  double user_s = 0, system_s = 0;
  // Until exec the child shares our memory, which the kernel counts as the child's own: a value that is not
  // more than own_peak_kb() says nothing about the child.
  std::int64_t max_rss_kb = 0;
  std::int64_t read_blocks = 0, write_blocks = 0;
};

// The raw status of a child that has ended, without reaping it: so the caller can end its group before the
// pid is free again.
std::optional<int> peek_status(int pid);
std::optional<Ended> reap(int pid);  // nullopt while it runs
Ended wait_for(int pid);             // blocks; status 0 if there is no such child

std::int64_t own_peak_kb();  // of this process's resident memory

int exit_code(int raw_status);    // -1 where a signal ended it
int exit_signal(int raw_status);  // 0 where none did

// Signals a process group, stopped processes included; false if there is no such group.
bool signal_group(int group, int signal);
bool group_exists(int group);  // zombies count
// The groups of GROUPS in which a process is alive, sorted. Zombies do not count, since they may never be
// reaped. Scans /proc once.
std::vector<int> living_groups(std::vector<int> groups);

// The file that NAME means: NAME itself if it holds a slash, else the first executable file of that name in
// PATH.
std::optional<std::string> find_program(std::string_view name, std::string_view path);

// Opens /dev/null for each standard descriptor that is closed; otherwise the next file to be opened would take
// its place. Call it first in main.
void ensure_standard_descriptors();

}  // namespace furrow::os
