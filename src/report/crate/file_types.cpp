#include "report/crate/file_types.hpp"

#include <array>
#include <utility>

namespace furrow::report {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 36> kTypes{{
    {".bed", "text/plain"},
    {".bz2", "application/x-bzip2"},
    {".css", "text/css"},
    {".csv", "text/csv"},
    {".fa", "text/plain"},
    {".fasta", "text/plain"},
    {".fastq", "text/plain"},
    {".gif", "image/gif"},
    {".gz", "application/gzip"},
    {".h5", "application/x-hdf5"},
    {".htm", "text/html"},
    {".html", "text/html"},
    {".ipynb", "application/x-ipynb+json"},
    {".jpeg", "image/jpeg"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript"},
    {".json", "application/json"},
    {".log", "text/plain"},
    {".md", "text/markdown"},
    {".nc", "application/netcdf"},
    {".parquet", "application/vnd.apache.parquet"},
    {".pdf", "application/pdf"},
    {".png", "image/png"},
    {".py", "text/x-python"},
    {".sam", "text/plain"},
    {".smk", "text/plain"},
    {".svg", "image/svg+xml"},
    {".tar", "application/x-tar"},
    {".tsv", "text/tab-separated-values"},
    {".txt", "text/plain"},
    {".vcf", "text/plain"},
    {".xml", "application/xml"},
    {".xz", "application/x-xz"},
    {".yaml", "application/yaml"},
    {".yml", "application/yaml"},
    {".zip", "application/zip"},
}};

}  // namespace

std::string_view media_type_of(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (name == "Snakefile") return "text/plain";
  for (const auto& [ending, type] : kTypes) {
    if (dot != std::string_view::npos && name.substr(dot) == ending) return type;
  }
  return "application/octet-stream";
}

}  // namespace furrow::report
