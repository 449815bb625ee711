// What a pool whose tasks are not C++ functions must provide to run over ranks: the handler for its workers,
// the sizes of its encoded values, and the large buffers that the values refer to. Only the code that wrote
// the values knows these.
//
// Must outlive the workers that run it. Thread-safety: one thread at a time.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "pool/messages/message_worker.hpp"
#include "pool/messages/out_of_band_buffer.hpp"

namespace furrow::pool {

class PayloadCodec {
 public:
  virtual ~PayloadCodec() = default;
  // The handler that the workers run; they are forked with it.
  virtual MessageHandler& handler() = 0;
  // The size of COUNT values that were written one after the other (Chunk::store_block). This and the next
  // two functions throw std::runtime_error if the values are garbled.
  virtual std::size_t measure(std::span<const std::byte> values, std::uint64_t count) = 0;

  // Prepares VALUES to be sent: adds the buffers that they refer to to BUFFERS, which are sent too, and makes
  // the values refer to them by their position there. LASTING: the buffers of this map that the receiver has
  // already kept; those that it should keep are added.
  virtual void load(std::span<std::byte> values, std::vector<OutOfBandBuffer>& buffers,
                    std::set<std::uint64_t>* lasting) = 0;
  // VALUES and BUFFERS have arrived: makes the values refer to where the buffers are now. USED gets the
  // buffers that they need.
  virtual void unload(std::span<std::byte> values, std::span<const OutOfBandBuffer> buffers,
                      LastingBuffers* lasting, std::vector<OutOfBandBuffer>& used) = 0;
  // Memory for SIZE bytes that arrive, which values on this rank can refer to; no data if there is none.
  virtual OutOfBandBuffer room(std::size_t size) = 0;
  // How much memory for buffers is kept: while tasks run on this rank, or none does.
  virtual void keep_memory(bool tasks_run) = 0;
};

}  // namespace furrow::pool
