// What activating a conda environment changes: computed once, and given to each job of the environment as variables.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "plan/executor.hpp"

namespace furrow::deploy {

struct Activation {
  std::vector<std::pair<std::string, std::string>> set{};
  std::vector<std::string> removed{};
  std::string python{};  // that of the environment; empty if it has none
  int python_major = 0, python_minor = 0;
};

// Variables that would lead programs of an environment to packages outside of it, as Snakemake knows them.
inline constexpr std::string_view kSearchPaths[] = {"PYTHONPATH", "R_LIBS", "PERLLIB", "PERL5LIB"};

// A program that activates what the command ACTIVATE prints, and prints the variables before and after.
std::vector<std::string> activation_program(const std::vector<std::string>& activate);
// From what that program has printed.
Result<Activation> read_activation(std::string_view printed);

// Changes LAUNCH so that it runs in the environment. The program "python3" becomes HOST_PYTHON if the environment has no
// Python.
Result<void> activate(const Activation& activation, const std::string& host_python, plan::Launch& launch);

// ARGV by the program env, with the variables as activated: in a container, which has some of its own.
std::vector<std::string> with_variables(const Activation& activation, std::vector<std::string> argv);

}  // namespace furrow::deploy
