// Reads one value that comes as one or several frames (worker_wire.hpp: kMore, kPart), straight from the
// ring.
//
// While it waits, it calls WATCH now and then, which may throw. For one thread; borrows the frames.
#pragma once

#include <functional>

#include "channel/frame.hpp"
#include "pool/value_reader.hpp"
#include "pool/workers/worker_wire.hpp"

namespace furrow::pool {

// Thrown by read() if the rest of the value will not come: its writer died, or its writer dropped it.
struct ValueTorn {};
struct ValueDropped {};

class PartsReader : public ValueReader {
 public:
  // FRAMES is inside the first frame, whose flags these are.
  PartsReader(channel::FrameReader& frames, std::uint32_t flags, const std::function<void()>& watch)
      : frames_(frames), flags_(flags), watch_(watch) {}

  void read(void* data, std::size_t size) override;
  // The largest number if more parts are to come.
  std::uint64_t remaining() const override;
  void copy_rest(Writer& to) override;
  void skip_rest();

 private:
  void next_part();
  void read_slowly(std::byte* to, std::size_t size);
  template <class Step>
  void patiently(const Step& step);

  channel::FrameReader& frames_;
  std::uint32_t flags_;
  const std::function<void()>& watch_;
};

}  // namespace furrow::pool
