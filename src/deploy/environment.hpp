// The software environment that a job asks for, as its Snakefile names it: plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace furrow::deploy {

struct Environment {
  enum class Kind : std::uint8_t {
    kNone,         // the job runs in the engine's own environment
    kModules,      // environment modules, which are loaded right before the command
    kCondaFile,    // a conda environment that Furrow makes from a file
    kCondaName,    // a conda environment that somebody else has made
    kCondaFolder,  // the same, by its folder
    kRefused,      // one that Furrow does not set up yet
  };
  Kind kind = Kind::kNone;
  std::vector<std::string> modules{};
  // The file or folder, absolute, or the name.
  std::string address{};
  // As the user knows it: "envmodules bwa/0.7 samtools", "conda envs/bwa.yaml".
  std::string shown{};

  bool is_conda() const {
    return kind == Kind::kCondaFile || kind == Kind::kCondaName || kind == Kind::kCondaFolder;
  }
  friend bool operator==(const Environment&, const Environment&) = default;
};

}  // namespace furrow::deploy
