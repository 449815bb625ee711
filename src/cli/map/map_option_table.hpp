// The options of `furrow map`: their names, and what each does to the draft.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/map/map_draft.hpp"

namespace furrow::cli {

enum class Takes : std::uint8_t { kNothing, kValue, kMaybe };

struct MapOption {
  // "keep-order keeporder k": the first long one is the one that help and errors speak of
  std::string_view names;
  Takes takes;
  std::function<Result<void>(MapDraft&, const std::string&)> set;
};

std::vector<MapOption> all_map_options();

}  // namespace furrow::cli
