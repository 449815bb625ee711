// SHA-256. OpenSSL's is used where it is installed, since it is many times as fast as the one of libmd; it is loaded when the
// first sum is made, so that no other command pays for it. An object belongs to one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace furrow::report {

class Sha256 {
 public:
  virtual ~Sha256() = default;
  virtual void add(const void* bytes, std::size_t size) = 0;
  virtual std::string hex() = 0;  // once, at the end
};

std::unique_ptr<Sha256> new_sha256();
// Of libmd, which is always there.
std::unique_ptr<Sha256> new_portable_sha256();

}  // namespace furrow::report
