// `furrow batch FOLDER N`: the command that an allocation of a cluster runs. People use `furrow run` instead.
//
// It takes the batch's claim, runs the batch's jobs within the allocation, and writes the journal. If the
// claim is taken, it exits at once with success: somebody else runs the batch, or nobody should.
// docs/design/cluster.md.
#pragma once

#include <string>
#include <vector>

namespace furrow::cli {

class RankSession;

int batch_command(const std::vector<std::string>& arguments, RankSession* ranks = nullptr);

}  // namespace furrow::cli
