// Messages between the ranks that a launcher (mpirun, srun) has started, as the command sees them. What
// implements it is a plugin (src/ranks/), so that the command itself needs no MPI.
//
// Messages are byte strings of any length, in order for each pair of ranks; nothing here waits for another
// rank but end(). Where a rank is gone, MPI ends the whole job. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace furrow::channel {

class Post {
 public:
  virtual ~Post() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int ranks_here() const = 0;  // on this computer, this one included

  struct Letter {
    int from;
    std::string message;
  };
  virtual void send(int rank, std::string_view message) = 0;
  virtual std::optional<Letter> receive() = 0;  // the next one that has come, if any

  // All ranks call it, and none goes on before all have: what was sent is there, and MPI ends.
  virtual void end() = 0;
};

// What the plugin exports under this name; the number changes with the class above.
using OpenPost = Post* (*)();  // starts MPI; the caller owns the post, once
inline constexpr const char* kOpenPost = "furrow_open_post_1";

}  // namespace furrow::channel
