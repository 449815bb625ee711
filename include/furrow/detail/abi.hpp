// The version of the library's ABI, which is a part of every name: a program compiled with the headers of one
// version does not link with the library of another.
//
// The version grows when objects compiled with older headers would no longer work with a new library. The shared
// library's SOVERSION is the same version; CMake reads it here. Programs write furrow::Pool as ever.
#pragma once

#include <version>

#ifndef __cpp_lib_jthread
#error \
    "Furrow needs std::stop_token: use libstdc++ 10 or later, or libc++ 18 or later with -fexperimental-library"
#endif

#define FURROW_ABI v0_1

// Standard libraries with other strings and exceptions do not mix either.
#if defined(_LIBCPP_VERSION)
#define FURROW_NAMESPACE furrow::inline FURROW_ABI::inline with_libcxx
#elif defined(_GLIBCXX_USE_CXX11_ABI) && !_GLIBCXX_USE_CXX11_ABI
#define FURROW_NAMESPACE furrow::inline FURROW_ABI::inline with_old_strings
#else
#define FURROW_NAMESPACE furrow::inline FURROW_ABI
#endif

// What the shared library exports: functions of the public headers that are compiled into the library, and classes
// that are thrown or called across its border, whose types must be the same on both sides. All else is hidden.
#define FURROW_API __attribute__((visibility("default")))
