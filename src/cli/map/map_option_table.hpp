// The options of `furrow map`: their names, and how each changes the parsed arguments.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/map/map_parsed_args.hpp"

namespace furrow::cli {

enum class Takes : std::uint8_t { kNothing, kValue, kMaybe };

struct MapOption {
  // "keep-order keeporder k": help and errors use the first long name.
  std::string_view names;
  Takes takes;
  std::function<Result<void>(MapParsedArgs&, const std::string&)> set;
  // Whether the command that runs failed jobs again repeats it: not if it says what the inputs are, or what the
  // log is for.
  bool is_repeated = false;
};

std::vector<MapOption> all_map_options();

}  // namespace furrow::cli
