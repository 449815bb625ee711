// fmt as objects, since Debian has it only as a shared library. It is compiled with -fkeep-inline-functions: here, all
// functions of fmt are inline, and the code that links with this file calls them as it calls those of the library.
#define FMT_HEADER_ONLY 1
#include <fmt/format.h>

#include <locale>

template std::locale fmt::detail::locale_ref::get<std::locale>() const;
