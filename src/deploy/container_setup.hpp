// Sets up the image of a container: brings it to this machine, unless it is there.
//
//   looking into the store of the runtime -> waiting for the lock -> looking again -> pulling -> ended
//
// Runtimes whose images are files have no store to look into. They pull in a folder of its own, HASH.pull, and the file gets its
// name when it is complete. So whatever ends the process leaves nothing that is used. Not thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "deploy/container_runtime.hpp"
#include "deploy/environments.hpp"
#include "deploy/setup_command.hpp"
#include "deploy/setup_lock.hpp"

namespace furrow::deploy {

class ContainerSetup {
 public:
  using Done = std::function<void(Result<void>)>;
  struct Context {
    os::EventLoop& loop;
    const Settings& settings;
    const ContainerRuntime& runtime;
    const Environments::Say& say;
    std::atomic<std::int32_t>* slot;  // of the watchdog; null: none
  };

  ContainerSetup(Context context, std::string image);
  // Ends what runs, and removes what is half-made.
  ~ContainerSetup();
  ContainerSetup(const ContainerSetup&) = delete;
  ContainerSetup& operator=(const ContainerSetup&) = delete;

  // Calls DONE once, from the loop. DONE may destroy this object.
  void start(Done done);

 private:
  using Next = std::function<void(SetupCommand::Answer)>;

  void look(std::function<void()> if_missing);
  void take_lock();
  void pull();
  void next_step();
  void keep();
  void run(std::vector<std::string> argv, const std::string& directory, Next next);
  void end(Result<void> result);
  Error failure(const std::string& printed) const;

  const Context context_;
  const std::string image_, place_, base_, folder_;  // base_: of the lock and the folder
  std::vector<std::vector<std::string>> steps_{};    // of the pull, that are left
  Done done_;
  SetupLock lock_;
  bool is_half_made_ = false;
  double begun_ = 0;
  std::uint64_t timer_ = 0;
  std::vector<std::string> argv_;  // of the command that runs
  std::unique_ptr<SetupCommand> command_;
};

// Whether it is there. Waits for the runtime's answer.
bool has_image(const ContainerRuntime& runtime, const std::string& image);

}  // namespace furrow::deploy
