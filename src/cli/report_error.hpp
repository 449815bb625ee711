// How the command reports errors.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "os/process/survivors.hpp"

namespace furrow::cli {

// Prints TEXT, a message, and a newline; safe to show on a terminal, whatever the names in it hold.
void print_message(std::FILE* stream, const std::string& text);

// Prints the error to standard error and returns the exit code for it.
int report_error(const Error& error);

// Says which processes of a killed run were ended, if any.
void report_ended(const std::vector<os::Survivor>& ended);

}  // namespace furrow::cli
