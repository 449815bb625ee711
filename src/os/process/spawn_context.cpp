#include "os/process/spawn_context.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <cstring>
#include <new>

namespace furrow::os {

namespace {
constexpr std::size_t kStackBytes = 64 * 1024;
}

SpawnContext::SpawnContext() {
  void* const stack =
      ::mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) throw std::bad_alloc();
  stack_ = static_cast<char*>(stack);
}

SpawnContext::~SpawnContext() {
  while (tid_.load(std::memory_order_acquire) != 0) ::sched_yield();
  ::munmap(stack_, kStackBytes);
}

char* SpawnContext::stack_top() const { return stack_ + kStackBytes; }

bool SpawnContext::is_free() {
  if (is_taken_ && tid_.load(std::memory_order_acquire) == 0 && args_->code.load() == 0) is_taken_ = false;
  return !is_taken_;
}

void SpawnContext::take(const SpawnRequest& request, const std::vector<int>& changed_signals, int null_fd,
                        int parent) {
  is_taken_ = true;
  ++use_;
  keep(request);
  args_.emplace(request_, changed_signals, null_fd, parent);
  tid_.store(1, std::memory_order_release);
}

void SpawnContext::keep(const SpawnRequest& request) {
  request_ = request;
  request_.path = path_.assign(request.path).c_str();
  if (request.directory != nullptr) request_.directory = directory_.assign(request.directory).c_str();
  std::size_t bytes = 0;
  for (char* const* const words : {request.argv, request.envp}) {
    for (char* const* word = words; *word != nullptr; ++word) bytes += std::strlen(*word) + 1;
  }
  text_.clear();
  text_.reserve(bytes);  // so that the pointers into it stay valid
  keep_words(request.argv, argv_);
  keep_words(request.envp, envp_);
  request_.argv = argv_.data();
  request_.envp = envp_.data();
  inherited_.assign(request.inherited.begin(), request.inherited.end());
  request_.inherited = inherited_;
  if (request.descriptors != nullptr) request_.descriptors = &(descriptors_ = *request.descriptors);
  if (request.nice != nullptr) request_.nice = &(nice_ = *request.nice);
}

void SpawnContext::keep_words(char* const* words, std::vector<char*>& pointers) {
  pointers.clear();
  for (; *words != nullptr; ++words) {
    pointers.push_back(text_.data() + text_.size());
    text_.append(*words).push_back('\0');
  }
  pointers.push_back(nullptr);
}

}  // namespace furrow::os
