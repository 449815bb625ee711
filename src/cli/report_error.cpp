#include "cli/report_error.hpp"

#include <cstdio>

namespace furrow::cli {

int report_error(const Error& error) {
  std::fprintf(stderr, "furrow: error: %s\n", error.to_string().c_str());
  return 1;
}

}  // namespace furrow::cli
