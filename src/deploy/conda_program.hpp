// conda, mamba or micromamba on this machine, and their command lines.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace furrow::deploy {

class CondaProgram {
 public:
  // FRONTEND: "conda", "mamba" or "micromamba"; empty: the first that is there. BASE: the folder of an installation; empty:
  // what PATH or the variables of an activated shell name.
  static Result<CondaProgram> find(const std::string& frontend, const std::string& base);
  // The one of an image, which is found there.
  static CondaProgram in_container(const std::string& frontend);

  const std::string& path() const { return path_; }
  std::vector<std::string> create(const std::string& yaml, const std::string& folder) const;
  std::vector<std::string> create_from_pins(const std::string& pins, const std::string& folder) const;
  // WHAT: "tarballs", or "cache" for packages, too.
  std::vector<std::string> clean(const std::string& what) const;
  // Prints what a POSIX shell is to execute. ADDRESS: a folder or a name.
  std::vector<std::string> activate(const std::string& address) const;

 private:
  CondaProgram(std::string name, std::string path) : name_(std::move(name)), path_(std::move(path)) {}

  std::string name_, path_;
  std::string activator_;  // conda, where mamba leaves activation to it; empty: the program itself
};

}  // namespace furrow::deploy
