// Names of files as the identifiers of an RO-Crate, which are references to IRIs (RFC 3987).
#pragma once

#include <string>
#include <string_view>

namespace furrow::report {

// PATH with %XX for what a path of an IRI cannot hold, for bytes that are not UTF-8, and for ":" and "@", which could be
// taken for a scheme or a keyword of JSON-LD. "/" stays. Different paths have different IRIs.
std::string path_iri(std::string_view path);

// The same for one name in a path: "/" is encoded, too. A long name is replaced by its hash.
std::string name_iri(std::string_view name);

}  // namespace furrow::report
