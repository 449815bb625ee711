// Where a child lives between clone and exec while its parent goes on: a stack, and copies of all that was
// asked for.
//
// free --(take)--> taken --(the child has the program's memory, or was ended by a signal)--> free
//                    +-----(it failed: until somebody asked why)-----------------------------^
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "os/process/spawn_child.hpp"

namespace furrow::os {

class Berth {
 public:
  Berth();
  ~Berth();  // waits for a child that is still in it
  Berth(const Berth&) = delete;
  Berth& operator=(const Berth&) = delete;

  bool is_free();
  void take(const SpawnRequest& request, const std::vector<int>& changed_signals, int null_fd, int parent);
  void give_back() { is_taken_ = false; }

  char* stack_top() const;
  SpawnOrder& order() { return *order_; }
  // For clone(): cleared by the kernel when the child leaves our memory.
  std::atomic<int>& tid() { return tid_; }
  std::uint32_t use() const { return use_; }  // tells one child from the next; never 0 where there was one
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
  std::optional<SpawnOrder> order_;
  std::atomic<int> tid_ = 0;
  std::uint32_t use_ = 0;
  bool is_taken_ = false;
};

}  // namespace furrow::os
