// Replaces texts that must not be shown: the values of the variables that `envvars:` and --envvars name.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::report {

class Redactor {
 public:
  // The longest first.
  explicit Redactor(std::vector<std::string> secrets) : secrets_(std::move(secrets)) {}
  // The values that the variables have in this process.
  static Redactor of_variables(const std::vector<std::string>& names);

  // A secret of few characters is part of too many other texts, and replaced only where it is the whole text.
  std::string redacted(std::string text) const;
  // The values of a JSON text; a number that is a secret becomes a text. Fails if it is no JSON.
  Result<std::string> redacted_json(const std::string& json) const;

 private:
  bool is_secret(const std::string& text) const;
  std::vector<std::string> secrets_;
};

}  // namespace furrow::report
