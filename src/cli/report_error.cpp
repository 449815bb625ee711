#include "cli/report_error.hpp"

#include <cstdio>

#include "os/terminal/shown.hpp"

namespace furrow::cli {

void print_message(std::FILE* stream, const std::string& text) {
  std::fputs((os::shown_on(::fileno(stream), text) + "\n").c_str(), stream);
}

int report_error(const Error& error) {
  print_message(stderr, "furrow: error: " + error.to_string());
  return 1;
}

void report_ended(const std::vector<os::Survivor>& ended) {
  if (ended.empty()) return;
  print_message(stderr, "furrow: ended processes that a killed run had left: " + os::names_of(ended));
}

}  // namespace furrow::cli
