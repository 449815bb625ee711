// `furrow batch FOLDER N`: what an allocation of a cluster runs. Not for people, who use `furrow run`.
//
// Takes the batch's claim, runs its jobs within the allocation, and tells the journal. It leaves at once and
// well where the claim is taken: then somebody else runs the batch, or nobody shall. docs/design/cluster.md.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

class Ranks;

int batch_command(const std::vector<std::string>& arguments, Ranks* ranks = nullptr);

}  // namespace furrow::cli
