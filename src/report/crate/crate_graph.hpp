// The entities of a crate, as the Provenance Run Crate profile wants them (docs/design/ro-crate.md says which is which).
#pragma once

#include <string>

#include "report/crate/contents.hpp"
#include "report/crate/job_entities.hpp"
#include "report/crate/parameters.hpp"

namespace furrow::report {

struct CrateAbout {
  std::string name{};     // of the crate
  std::string license{};  // an address or a text; empty: none is stated
  double made_at = 0;
  bool is_slim = false;
};

// Hands over each entity as JSON.
void write_graph(const CrateContents& contents, const ShownTexts& texts, const CrateAbout& about,
                 const AddEntity& add);

}  // namespace furrow::report
