// The environment of the programs that are started: that of this process, read once, plus the variables that
// an attempt adds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace furrow::exec {

class Environment {
 public:
  using Additions = std::vector<std::pair<std::string, std::string>>;

  // Corrects PWD if it is wrong, as a shell would. RUN is the id in the cookie of its processes; empty: they have none.
  explicit Environment(const std::string& run = {});

  // The attempt in the cookie of the blocks from now on; until it is set, one without a slot.
  void set_tag(std::uint64_t tag);

  using Names = std::vector<std::string>;

  // The environment block for one program in `directory` (empty: the current one), without the variables in `removed`.
  // Valid until the next call.
  char* const* block(const Additions& additions, const Names& removed, const std::string& directory);
  // PATH as the program will see it.
  std::string_view path(const Additions& additions) const;
  // Whether the environment would make bash read a startup file, or treat `name` as a function.
  bool changes_shell(std::string_view name, const Additions& additions) const;

 private:
  bool changes_same_names(const Additions& additions, const Names& removed,
                          const std::string& directory) const;
  void keep_others(const Additions& additions, const Names& removed, const std::string& directory);

  std::vector<std::string> base_;  // "NAME=value"
  std::vector<char*> base_block_;
  std::vector<std::string> names_;  // of the variables that the block adds
  Names removed_;                   // and of those that it lacks
  std::vector<std::string> added_;
  std::vector<char*> block_;
  std::size_t kept_ = 0;                // number of entries from base_, at the beginning of block_
  std::vector<std::string> functions_;  // "NAME" of each exported function
  std::string path_;
  std::string directory_;
  bool has_startup_file_ = false;
  char* tag_digits_ = nullptr;  // in an entry of base_
};

}  // namespace furrow::exec
