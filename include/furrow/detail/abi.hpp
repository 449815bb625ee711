// The version of the library's ABI, which is a part of every name: a program compiled with the headers of one
// version does not link with the library of another.
//
// The version grows when objects compiled with older headers would no longer work with a new library. The shared
// library's SOVERSION is the same version; CMake reads it here. Programs write furrow::Pool as ever.
#pragma once

#define FURROW_ABI v0_1
#define FURROW_NAMESPACE furrow::inline FURROW_ABI

// What the shared library exports: functions of the public headers that are compiled into the library, and classes
// that are thrown or called across its border, whose types must be the same on both sides. All else is hidden.
#define FURROW_API __attribute__((visibility("default")))
