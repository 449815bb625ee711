// Tells ThreadSanitizer how the library synchronises. A program may be built with -fsanitize=thread while the library
// is not: then the sanitizer sees its locks, but not its atomic variables. Not for direct use.
//
// Each function does nothing where no sanitizer runs. All that happens before released(AT) on one thread happens
// before what follows acquired(AT) on another; AT is any address.
#pragma once

#include "furrow/detail/abi.hpp"

extern "C" {
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
}

namespace FURROW_NAMESPACE::detail {

inline bool thread_sanitizer_runs() noexcept { return __tsan_acquire != nullptr; }
inline void acquired(const void* at) noexcept {
  if (thread_sanitizer_runs()) __tsan_acquire(const_cast<void*>(at));
}
inline void released(const void* at) noexcept {
  if (thread_sanitizer_runs()) __tsan_release(const_cast<void*>(at));
}

}  // namespace FURROW_NAMESPACE::detail
