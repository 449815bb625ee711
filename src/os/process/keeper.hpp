// The keeper: the process that a launcher has started stays behind, small, and waits; a child of it goes on
// as the program.
//
//   launcher -> keeper (whom it has started, and waits for) -> program (the keeper's only child)
//
// So the launcher learns that the program has ended when the keeper has done what is to be done about it, and
// not before. A child that watches its parent cannot promise that: launchers kill what a process of theirs
// has left behind within milliseconds.
//
// Stages, told by the program through memory that both share: free -> needed -> leaving -> over. A program
// that ends while it is needed has died, and so has one that a signal kills while it leaves. Then the keeper
// calls back; in any case it ends as the program has ended: with that exit code, or by that signal. If the
// keeper is killed, the kernel kills the program.
//
// It holds no descriptor but standard error, blocks all signals and sleeps. Signals that somebody sent to it
// alone are passed on; those of ENDS_WITH, who sends to both, are not.
//
// Thread-safety: leave() from the main thread; enter() from any. There is no way back: the keeper lives as
// long as the program.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>

namespace furrow::os {

class Keeper {
 public:
  enum class Stage : std::uint32_t { kFree, kNeeded, kLeaving, kOver };
  struct Death {
    int status = 0;          // as wait() tells
    bool was_asked = false;  // somebody asked keeper and program to end
  };
  struct Options {
    const char* name = "furrow-keeper";                         // in ps; 15 bytes
    std::function<void(const Death&)> on_death = [](auto&) {};  // in the keeper, which has one thread
    pid_t ends_with = 0;  // the launcher: if it dies, keeper and program do; 0: nobody
  };

  // Returns in the program, which has another process id from here on. Null, in the same process as before,
  // where there can be no keeper: other threads run, and a child would lose them.
  static Keeper* leave(const Options& options);

  void enter(Stage stage) { stage_.store(stage); }
  Stage stage() const { return stage_.load(); }

 private:
  Keeper() = default;

  std::atomic<Stage> stage_{Stage::kFree};
};

}  // namespace furrow::os
