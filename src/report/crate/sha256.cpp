#include "report/crate/sha256.hpp"

#include <dlfcn.h>

#include <array>

extern "C" {
#include <sha256.h>
}

namespace furrow::report {

namespace {

std::string hex_of(const unsigned char* bytes, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += "0123456789abcdef"[bytes[i] >> 4];
    text += "0123456789abcdef"[bytes[i] & 15];
  }
  return text;
}

class PortableSha256 final : public Sha256 {
 public:
  PortableSha256() { SHA256Init(&context_); }
  void add(const void* bytes, std::size_t size) override {
    SHA256Update(&context_, static_cast<const unsigned char*>(bytes), size);
  }
  std::string hex() override {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256Final(digest.data(), &context_);
    return hex_of(digest.data(), digest.size());
  }

 private:
  SHA2_CTX context_{};
};

// The part of OpenSSL 3 that is needed.
struct OpenSsl {
  void* (*new_context)() = nullptr;
  void (*free_context)(void* context) = nullptr;
  const void* (*sha256)() = nullptr;
  int (*begin)(void* context, const void* type, void* engine) = nullptr;
  int (*add)(void* context, const void* bytes, std::size_t size) = nullptr;
  int (*end)(void* context, unsigned char* digest, unsigned* size) = nullptr;
  bool is_whole = false;
};

OpenSsl load_openssl() {
  OpenSsl loaded;
  void* const library = ::dlopen("libcrypto.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!library) return loaded;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    return function != nullptr;
  };
  loaded.is_whole = find(loaded.new_context, "EVP_MD_CTX_new") &&
                    find(loaded.free_context, "EVP_MD_CTX_free") && find(loaded.sha256, "EVP_sha256") &&
                    find(loaded.begin, "EVP_DigestInit_ex") && find(loaded.add, "EVP_DigestUpdate") &&
                    find(loaded.end, "EVP_DigestFinal_ex");
  return loaded;
}

const OpenSsl& openssl() {
  static const OpenSsl kLoaded = load_openssl();
  return kLoaded;
}

class OpenSslSha256 final : public Sha256 {
 public:
  OpenSslSha256() : context_(openssl().new_context()) {
    is_good_ = context_ && openssl().begin(context_, openssl().sha256(), nullptr) == 1;
  }
  ~OpenSslSha256() override { openssl().free_context(context_); }
  OpenSslSha256(const OpenSslSha256&) = delete;
  OpenSslSha256& operator=(const OpenSslSha256&) = delete;

  bool is_good() const { return is_good_; }  // a policy of the machine may refuse it
  void add(const void* bytes, std::size_t size) override { openssl().add(context_, bytes, size); }
  std::string hex() override {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    openssl().end(context_, digest.data(), nullptr);
    return hex_of(digest.data(), digest.size());
  }

 private:
  void* context_;
  bool is_good_ = false;
};

}  // namespace

std::unique_ptr<Sha256> new_portable_sha256() { return std::make_unique<PortableSha256>(); }

std::unique_ptr<Sha256> new_sha256() {
  if (!openssl().is_whole) return new_portable_sha256();
  auto made = std::make_unique<OpenSslSha256>();
  if (!made->is_good()) return new_portable_sha256();
  return made;
}

}  // namespace furrow::report
