#include "os/threads/thread.hpp"

#include <unistd.h>

#include <memory>
#include <system_error>
#include <utility>

namespace furrow::os {

namespace {

void require(int code) {
  if (code != 0) throw std::system_error(code, std::generic_category());
}

class Attributes {
 public:
  Attributes() { require(::pthread_attr_init(&attributes_)); }
  ~Attributes() { ::pthread_attr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  pthread_attr_t* get() { return &attributes_; }

 private:
  pthread_attr_t attributes_;
};

void* run(void* body) {
  (*std::unique_ptr<std::function<void()>>(static_cast<std::function<void()>*>(body)))();
  return nullptr;
}

}  // namespace

Thread::Thread(std::function<void()> body, std::size_t stack_size) {
  Attributes attributes;
  if (stack_size > 0) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    require(::pthread_attr_setstacksize(attributes.get(), (stack_size + page - 1) / page * page));
  }
  auto kept = std::make_unique<std::function<void()>>(std::move(body));
  require(::pthread_create(&thread_, attributes.get(), run, kept.get()));
  kept.release();
  runs_ = true;
}

Thread::Thread(Thread&& other) noexcept : thread_(other.thread_), runs_(std::exchange(other.runs_, false)) {}

Thread::~Thread() {
  if (runs_) ::pthread_join(thread_, nullptr);
}

}  // namespace furrow::os
