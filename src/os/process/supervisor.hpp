// The supervisor: the process that a launcher has started forks a child, which goes on as the program, and
// itself stays behind, small, and waits.
//
//   launcher -> supervisor (started by the launcher, which waits for it) -> program (its only child)
//
// So the launcher does not learn that the program has ended until the supervisor has dealt with it. A child
// that watches its parent cannot promise that, because launchers kill the leftovers of a process within
// milliseconds.
//
// Stages, which the program stores in memory that both share: free -> needed -> leaving -> over. A program
// that ends while it is needed has died; so has one that a signal kills while it leaves. Then the supervisor
// calls back. In any case it ends as the program has ended: with the same exit code, or by the same signal.
// If the supervisor is killed, the kernel kills the program.
//
// It holds no descriptor but standard error, blocks all signals and sleeps. It passes on signals that were
// sent to it alone, but not those of ENDS_WITH, which sends them to both.
//
// Thread-safety: start() from the main thread; enter() from any. There is no way back: the supervisor lives
// as long as the program.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>

namespace furrow::os {

class Supervisor {
 public:
  enum class Stage : std::uint32_t { kFree, kNeeded, kLeaving, kOver };
  struct Death {
    int status = 0;          // as from wait()
    bool was_asked = false;  // somebody asked supervisor and program to end
  };
  struct Options {
    // In ps; 15 bytes.
    const char* name = "furrow-keeper";
    // Runs in the supervisor, which has one thread.
    std::function<void(const Death&)> on_death = [](auto&) {};
    // The launcher: if it dies, supervisor and program die too; 0: nobody.
    pid_t ends_with = 0;
  };

  // Returns in the program, which has another process id from here on. Returns null, in the same process as
  // before, if other threads run: a child would lose them.
  static Supervisor* start(const Options& options);

  void enter(Stage stage) { stage_.store(stage); }
  Stage stage() const { return stage_.load(); }

 private:
  Supervisor() = default;

  std::atomic<Stage> stage_{Stage::kFree};
};

}  // namespace furrow::os
