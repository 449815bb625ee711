// Messages between the processes that share a Pool's work: byte strings of any length, in order for each pair of
// ranks. Rank 0 has the Pool. A message may come with out-of-band buffers, which are neither copied into it nor
// out of it.
//
// Thread-safety: one thread at a time, except for nudge(). Errors: lost() tells of a rank that is gone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pool/messages/out_of_band_buffer.hpp"
#include "remote/bytes.hpp"

namespace furrow::remote {

class Transport {
 public:
  using Buffers = std::vector<pool::OutOfBandBuffer>;
  struct Message {
    int from;
    Bytes message;
    Buffers buffers{};
  };
  struct Lost {
    int rank;
    std::string why;
  };

  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Whether every rank can send to every other one, and not just rank 0.
  virtual bool connects_all() const = 0;

  // BUFFERS are kept alive until they are sent.
  virtual void send(int rank, Bytes message, Buffers buffers) = 0;
  void send(int rank, Bytes message) { send(rank, std::move(message), {}); }
  // The next message that has arrived, if any.
  virtual std::optional<Message> receive() = 0;
  virtual bool all_sent() = 0;
  // Waits until everything is sent.
  virtual void flush() = 0;
  // A rank that is gone and was not named before, if any.
  virtual std::optional<Lost> lost() { return std::nullopt; }

  // Whether rest() returns when a message arrives, or when more can be sent; otherwise it only sleeps.
  virtual bool wakes() const { return false; }
  virtual void rest(std::int64_t at_most_ns) = 0;
  virtual void nudge() {}  // ends rest(), if the transport wakes

  // On rank 0: whether messages of this rank are awaited. A transport may use it to speed them up.
  std::function<bool(int rank)> awaits{};
  // Gives memory for an incoming buffer of SIZE bytes. If it gives none, the heap is used.
  std::function<pool::OutOfBandBuffer(std::size_t size)> room{};
  // An empty message whose memory was used before, if one was kept.
  Bytes spare();
  void keep(Bytes used);

 protected:
  pool::OutOfBandBuffer room_for(std::size_t size) const;

 private:
  std::vector<Bytes> spare_{};
};

}  // namespace furrow::remote
