// The environment of the programs that are started: this process's own, read once, with what an attempt adds.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace furrow::exec {

class Environment {
 public:
  using Additions = std::vector<std::pair<std::string, std::string>>;

  Environment();  // PWD is set right where it is not, as a shell would

  // The block for one program in DIRECTORY (empty: here). Valid until the next call.
  char* const* block(const Additions& additions, const std::string& directory);
  // PATH as the program will see it.
  std::string_view path(const Additions& additions) const;
  // Whether bash would read a file, or take NAME as a function, because of the environment.
  bool changes_shell(std::string_view name, const Additions& additions) const;

 private:
  bool adds_same_names(const Additions& additions, const std::string& directory) const;
  void keep_others(const Additions& additions, const std::string& directory);

  std::vector<std::string> base_;  // "NAME=value"
  std::vector<char*> base_block_;
  std::vector<std::string> names_;  // that the block adds
  std::vector<std::string> added_;
  std::vector<char*> block_;
  std::size_t kept_ = 0;                // entries of the base, at its beginning
  std::vector<std::string> functions_;  // "NAME" of each exported function
  std::string path_;
  std::string directory_;
  bool has_startup_file_ = false;
};

}  // namespace furrow::exec
