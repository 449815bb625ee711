// The files that a killed Snakemake has left unfinished: it marks each output of a job while the job runs.
//
// A marker is a file in .snakemake/incomplete whose name is the output's path in URL-safe base64, the same in the
// versions 5 to 9. A longer name is cut into pieces: all but the last are folders, with an @ before them.
#pragma once

#include <functional>
#include <string>

namespace furrow::workflow {

// Calls CALLBACK with the path of each output that is marked in FOLDER; never if there is no such folder. Names that
// are no markers are passed over.
void for_each_marked_output(const std::string& folder,
                            const std::function<void(const std::string& path)>& callback);

}  // namespace furrow::workflow
