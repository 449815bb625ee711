// What writers and readers of a journal of events agree on; docs/design/store.md has the format.
#pragma once

#include <cstdint>

namespace furrow::store {

inline constexpr std::uint32_t kEventVersion = 2;
inline constexpr std::uint32_t kHeadBlock = 1, kEventsBlock = 2, kWorkflowBlock = 3;

enum class EventEntry : std::uint8_t {
  kText = 1,  // its number is that of the texts before it
  kPlan = 2,
  kTotal = 3,
  kStart = 4,
  kEnd = 5,
  kSkipped = 6,
  kStopping = 7,
  kFinish = 8,
  kPlace = 9,  // since version 2
};

}  // namespace furrow::store
