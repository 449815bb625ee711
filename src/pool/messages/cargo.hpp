// What ranks carry for a pool whose tasks are not C++ functions: who handles them in the workers, how their
// values are told apart, and which large buffers lie beside them; only those who wrote the values can know.
//
// Lives longer than the workers that run it. Thread-safety: one thread at a time.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "pool/messages/beside.hpp"
#include "pool/messages/message_worker.hpp"

namespace furrow::pool {

class Cargo {
 public:
  virtual ~Cargo() = default;
  // What the workers run; forked with it.
  virtual MessageHandler& handler() = 0;
  // The size of COUNT values that were written one after the other (Parcel::store_block). This and the next
  // two throw std::runtime_error where they are garbled.
  virtual std::size_t measure(std::span<const std::byte> values, std::uint64_t count) = 0;

  // VALUES are about to leave: the buffers that they refer to are added to BESIDE, from which it sends, and
  // are known by their place there from now on. LASTING: those that the receiver has kept, of this job; what
  // it is to keep is added there.
  virtual void load(std::span<std::byte> values, std::vector<Beside>& beside,
                    std::set<std::uint64_t>* lasting) = 0;
  // VALUES have come, and these BESIDE them: they refer to where those are now. USED: what they need.
  virtual void unload(std::span<std::byte> values, std::span<const Beside> beside, LastingBuffers* lasting,
                      std::vector<Beside>& used) = 0;
  // Memory that values can refer to here, for SIZE bytes that come; without data where there is none.
  virtual Beside room(std::size_t size) = 0;
};

}  // namespace furrow::pool
