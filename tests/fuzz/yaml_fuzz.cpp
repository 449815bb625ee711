// A YAML file becomes valid JSON or an error; never a crash, never a hang.
#include <cstdlib>

#include "bytes.hpp"
#include "snakefile/yaml_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace furrow;
  constexpr std::string_view kPieces[] = {"a",    "b: ",   "\n",   "  ",   "- ",   "[",      "]",   "{",
                                          "}",    ", ",    "&x ",  "*x",   "<<: ", "'",      "\"",  "1_0",
                                          "0x1f", "yes",   ".inf", "1:30", "? ",   "!!str ", "|\n", ">\n",
                                          "#",    "---\n", "%",    "\t",   "\\"};
  fuzz::Bytes bytes(data, size);
  std::string yaml;
  const auto keys = bytes.byte() % 2 == 0 ? snakefile::Keys::kText : snakefile::Keys::kPairs;
  if (bytes.byte() % 4 == 0) {
    yaml = bytes.rest();
  } else {
    while (!bytes.empty()) yaml += kPieces[bytes.below(std::size(kPieces))];
  }
  const auto json = snakefile::yaml_to_json(yaml, "it.yaml", keys);
  if (json && !text::JsonDocument::parse(*json, "its JSON")) std::abort();
  const std::string arguments[] = {"a=" + yaml};
  const auto config = snakefile::config_of(arguments);
  if (!config || !text::JsonDocument::parse(*config, "its config")) std::abort();
  return 0;
}
