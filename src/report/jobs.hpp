// The records of jobs as the page reads them: columns instead of rows, since there may be ten thousand of them.
#pragma once

#include <span>
#include <string>

#include "report/redactor.hpp"
#include "store/job_record.hpp"

namespace furrow::report {

// Commands and params are cut so that the text of ten thousand jobs takes a few megabytes.
std::string jobs_json(std::span<const store::JobRecord> records, const Redactor& redactor);

}  // namespace furrow::report
