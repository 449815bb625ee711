// The software environment that a job asks for, as its Snakefile names it: plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace furrow::deploy {

struct Environment {
  enum class Kind : std::uint8_t {
    kNone,         // the engine's own environment, or what the image has
    kModules,      // environment modules, which are loaded right before the command
    kCondaFile,    // a conda environment that Furrow makes from a file
    kCondaName,    // a conda environment that somebody else has made
    kCondaFolder,  // the same, by its folder
  };
  Kind kind = Kind::kNone;
  std::vector<std::string> modules{};
  // The file or folder, absolute, or the name.
  std::string address{};
  // The image of a container in which the job runs: an address such as docker://NAME, or the absolute path of a file or
  // a folder. Empty: no container. A conda environment is then one inside of it.
  std::string image{};
  bool is_containerized = false;  // the image holds the conda environments of the workflow
  // As the user knows it: "envmodules bwa/0.7 samtools", "conda envs/bwa.yaml".
  std::string shown{};

  bool is_none() const { return kind == Kind::kNone && image.empty(); }
  // Whether something must exist before a job.
  bool needs_setup() const { return is_conda() || !image.empty(); }

  bool is_conda() const {
    return kind == Kind::kCondaFile || kind == Kind::kCondaName || kind == Kind::kCondaFolder;
  }
  friend bool operator==(const Environment&, const Environment&) = default;
};

}  // namespace furrow::deploy
