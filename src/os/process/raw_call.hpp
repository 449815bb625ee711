// System calls with no side effect in this process: they do not touch errno or resolve a function lazily. For
// a child that shares our memory while we go on.
#pragma once

#include <unistd.h>

#include <cerrno>

namespace furrow::os {

#if defined(__x86_64__)
constexpr bool kCallsAreRaw = true;
inline long raw_words(long number, long a, long b, long c, long d) {
  long result;
  register long fourth asm("r10") = d;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
constexpr bool kCallsAreRaw = true;
inline long raw_words(long number, long a, long b, long c, long d) {
  register long which asm("x8") = number;
  register long first asm("x0") = a;
  register long second asm("x1") = b;
  register long third asm("x2") = c;
  register long fourth asm("x3") = d;
  asm volatile("svc #0" : "+r"(first) : "r"(which), "r"(second), "r"(third), "r"(fourth) : "memory");
  return first;
}
#else
constexpr bool kCallsAreRaw = false;
inline long raw_words(long number, long a, long b, long c, long d) {
  const long result = ::syscall(number, a, b, c, d);
  return result < 0 ? -errno : result;
}
#endif

inline long raw_word(long value) { return value; }
inline long raw_word(const void* value) { return reinterpret_cast<long>(value); }

// Returns the kernel's answer: -errno if the call failed.
template <class A = long, class B = long, class C = long, class D = long>
inline long raw_call(long number, A a = 0, B b = 0, C c = 0, D d = 0) {
  return raw_words(number, raw_word(a), raw_word(b), raw_word(c), raw_word(d));
}

}  // namespace furrow::os
