// What a child uses between clone and exec while its parent goes on: a stack, and copies of the whole
// request.
//
//   free --(take)--> taken --(the child has executed the program, or a signal ended it)--> free
//                    taken --(it failed; somebody asked why)--> free
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/process/spawn_child.hpp"

namespace furrow::os {

class SpawnContext {
 public:
  SpawnContext();
  ~SpawnContext();  // waits for a child that still uses it
  SpawnContext(const SpawnContext&) = delete;
  SpawnContext& operator=(const SpawnContext&) = delete;

  bool is_free();
  void take(const SpawnRequest& request, const std::vector<int>& changed_signals, int null_fd, int parent);
  void give_back() { is_taken_ = false; }

  char* stack_top() const;
  SpawnArgs& args() { return *args_; }
  // For clone(): the kernel clears it when the child leaves our memory.
  std::atomic<int>& tid() { return tid_; }
  std::uint32_t use() const { return use_; }  // numbers the children from 1 on; 0: none yet
  bool is_taken() const { return is_taken_; }

 private:
  void keep(const SpawnRequest& request);
  void keep_words(char* const* words, std::vector<char*>& pointers);

  char* stack_;
  std::string path_, directory_, text_;
  std::vector<char*> argv_, envp_;
  std::vector<int> inherited_;
  rlimit descriptors_{};
  int nice_ = 0;
  SpawnRequest request_;
  std::optional<SpawnArgs> args_;
  std::atomic<int> tid_ = 0;
  std::uint32_t use_ = 0;
  bool is_taken_ = false;
};

}  // namespace furrow::os
