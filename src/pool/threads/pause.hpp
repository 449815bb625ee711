#pragma once

namespace furrow::pool {

// In a loop that waits: lets the other thread of this core go on.
inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace furrow::pool
