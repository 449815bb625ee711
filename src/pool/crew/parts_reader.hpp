// Reads one value that came as a frame, or as several (crew_wire.hpp: kMore, kPart), straight from the ring.
//
// While nothing comes, it calls WATCH now and then, which may throw. For one thread; borrows the frames.
#pragma once

#include <functional>

#include "channel/frame.hpp"
#include "furrow/codec.hpp"
#include "pool/crew/crew_wire.hpp"

namespace furrow::pool {

// Thrown by read(): the rest of the value will not come, since its writer died, or since it took it back.
struct ValueTorn {};
struct ValueDropped {};

class PartsReader : public Reader {
 public:
  // FRAMES is inside the first frame, whose flags these are.
  PartsReader(channel::FrameReader& frames, std::uint32_t flags, const std::function<void()>& watch)
      : frames_(frames), flags_(flags), watch_(watch) {}

  void read(void* data, std::size_t size) override;
  // Many, where more parts are to come.
  std::uint64_t remaining() const override;
  void skip_rest();
  // The rest, whatever its size.
  void copy_rest(Writer& to);

 private:
  void next_part();
  void patiently(const std::function<channel::Status()>& step);

  channel::FrameReader& frames_;
  std::uint32_t flags_;
  const std::function<void()>& watch_;
};

}  // namespace furrow::pool
