#include "report/crate/container_image.hpp"

#include <gtest/gtest.h>

namespace furrow::report {
namespace {

std::string parts_of(const std::string& image) {
  const ContainerImage made = container_image_of(image);
  return made.registry + "|" + made.name + "|" + made.tag + "|" + made.sha256 + (made.is_file ? "|file" : "");
}

TEST(ContainerImage, IsTakenApart) {
  EXPECT_EQ(parts_of("docker://quay.io/biocontainers/bwa:0.7--h5"), "quay.io|biocontainers/bwa|0.7--h5|");
  EXPECT_EQ(parts_of("docker://debian"), "docker.io|debian||");
  EXPECT_EQ(parts_of("docker://localhost:5000/a/b:1"), "localhost:5000|a/b|1|");
  EXPECT_EQ(parts_of("docker://a/b@sha256:12ab"), "docker.io|a/b||12ab");
  EXPECT_EQ(parts_of("/images/a:b.sif"), "|/images/a:b.sif|||file");
}

}  // namespace
}  // namespace furrow::report
