// Messages between the ranks of the furrow command, which a launcher (mpirun, srun) has started. A plugin
// (src/ranks/) implements this, so that the command itself needs no MPI.
//
// Messages are byte strings of any length, in order for each pair of ranks. Only end() waits for other ranks.
// If a rank dies, MPI ends the whole MPI job. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace furrow::channel {

class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int ranks_here() const = 0;  // on this computer, including this one

  struct Message {
    int from;
    std::string message;
  };
  virtual void send(int rank, std::string_view message) = 0;
  virtual std::optional<Message> receive() = 0;  // the next one that has arrived, if any

  // All ranks must call it. Returns when all have: everything sent has arrived, and MPI has ended.
  virtual void end() = 0;
};

// What the plugin exports under this name; the number changes with the class above. It starts MPI, and is
// called once; the caller owns the Transport.
using OpenTransport = Transport* (*)();
inline constexpr const char* kOpenTransport = "furrow_open_transport_1";

}  // namespace furrow::channel
