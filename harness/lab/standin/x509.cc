#include "harness/lab/standin/x509.h"

#include <ctime>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace harness::standin::x509 {

namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* value) const {
    Free(value);
  }
};

using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Request = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;

tl::unexpected<Error> failed(std::string_view what) {
  char text[256] = {};
  ERR_error_string_n(ERR_get_error(), text, sizeof text);
  return fail(ErrorCode::internal, fmt::format("{}: {}", what, text));
}

Bio reader(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string contents(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return contents(out);
}

std::string pem(EVP_PKEY* key) {
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return contents(out);
}

Certificate read_certificate(std::string_view text) {
  return Certificate(PEM_read_bio_X509(reader(text).get(), nullptr, nullptr, nullptr));
}

Key read_key(std::string_view text) {
  return Key(PEM_read_bio_PrivateKey(reader(text).get(), nullptr, nullptr, nullptr));
}

void add_entry(X509_NAME* name, const char* field, const std::string& value) {
  X509_NAME_add_entry_by_txt(
      name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0);
}

void set_name(X509_NAME* name, const Subject& subject) {
  for (const auto& organization : subject.organizations) {
    add_entry(name, "O", organization);
  }
  add_entry(name, "CN", subject.common_name);
}

bool add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

Certificate blank(int days) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  unsigned char serial[8];
  RAND_bytes(serial, sizeof serial);
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate.get()));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_time_adj_ex(X509_getm_notAfter(certificate.get()), days, 0, nullptr);
  return certificate;
}

bool is_address(const std::string& text) {
  unsigned char out[16];
  return inet_pton(AF_INET, text.c_str(), out) == 1 || inet_pton(AF_INET6, text.c_str(), out) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) {
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", is_address(name) ? "IP" : "DNS", name);
  }
  return out;
}

Result<std::string> sign(const Pair& ca, const Profile& profile, EVP_PKEY* public_key) {
  const Certificate issuer = read_certificate(ca.certificate);
  const Key issuer_key = read_key(ca.key);
  if (!issuer || !issuer_key) {
    return failed("read the issuer");
  }
  const Certificate leaf = blank(profile.days);
  set_name(X509_get_subject_name(leaf.get()), profile.subject);
  X509_set_issuer_name(leaf.get(), X509_get_subject_name(issuer.get()));
  X509_set_pubkey(leaf.get(), public_key);
  std::string usage = profile.client ? "clientAuth" : "";
  if (profile.server) {
    usage += usage.empty() ? "serverAuth" : ",serverAuth";
  }
  bool good =
      add_extension(
          leaf.get(), issuer.get(), NID_key_usage, "critical,digitalSignature,keyEncipherment") &&
      add_extension(leaf.get(), issuer.get(), NID_ext_key_usage, usage) &&
      add_extension(leaf.get(), issuer.get(), NID_authority_key_identifier, "keyid");
  if (!profile.alternatives.empty()) {
    good = good && add_extension(leaf.get(),
                                 issuer.get(),
                                 NID_subject_alt_name,
                                 alternative_names(profile.alternatives));
  }
  if (!good || X509_sign(leaf.get(), issuer_key.get(), EVP_sha256()) == 0) {
    return failed("sign " + profile.subject.common_name);
  }
  return pem(leaf.get()) + pem(issuer.get());
}

}  // namespace

Result<std::string> make_key() {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) {
    return failed("make a key");
  }
  return pem(key.get());
}

Result<std::string> make_rsa_key() {
  const Key key(EVP_RSA_gen(2048));
  if (!key) {
    return failed("make a key");
  }
  return pem(key.get());
}

Result<Pair> make_ca(const std::string& common_name) {
  TRY_ASSIGN(const std::string key_pem, make_key(), common_name);
  const Key key = read_key(key_pem);
  const Certificate ca = blank(3650);
  set_name(X509_get_subject_name(ca.get()), {common_name, {}});
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  X509_set_pubkey(ca.get(), key.get());
  const bool good = add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE") &&
                    add_extension(ca.get(),
                                  ca.get(),
                                  NID_key_usage,
                                  "critical,digitalSignature,keyEncipherment,keyCertSign") &&
                    add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash");
  if (!good || X509_sign(ca.get(), key.get(), EVP_sha256()) == 0) {
    return failed("sign " + common_name);
  }
  return Pair{pem(ca.get()), key_pem};
}

Result<Pair> issue(const Pair& ca, const Profile& profile) {
  TRY_ASSIGN(std::string key_pem, make_key(), profile.subject.common_name);
  const Key key = read_key(key_pem);
  TRY_ASSIGN(std::string certificate, sign(ca, profile, key.get()), profile.subject.common_name);
  return Pair{std::move(certificate), std::move(key_pem)};
}

Result<std::string> make_request(const std::string& key_pem) {
  const Key key = read_key(key_pem);
  const Request request(X509_REQ_new());
  if (!key || X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return failed("make a certificate request");
  }
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(out.get(), request.get());
  return contents(out);
}

Result<std::string> sign_request(const Pair& ca,
                                 const Profile& profile,
                                 std::string_view request_pem) {
  const Request request(
      PEM_read_bio_X509_REQ(reader(request_pem).get(), nullptr, nullptr, nullptr));
  const Key key(request ? X509_REQ_get_pubkey(request.get()) : nullptr);
  if (!key || X509_REQ_verify(request.get(), key.get()) != 1) {
    return fail(ErrorCode::invalid_input, "that is no certificate request");
  }
  return sign(ca, profile, key.get());
}

bool still_good(std::string_view pem_text,
                const Pair& ca,
                int days,
                const std::vector<std::string>& alternatives) {
  const Certificate leaf = read_certificate(pem_text);
  const Certificate issuer = read_certificate(ca.certificate);
  if (!leaf || !issuer) {
    return false;
  }
  const Key issuer_key(X509_get_pubkey(issuer.get()));
  std::time_t until = std::time(nullptr) + static_cast<std::time_t>(days) * 86400;
  if (X509_verify(leaf.get(), issuer_key.get()) != 1 ||
      X509_cmp_time(X509_get0_notAfter(leaf.get()), &until) <= 0) {
    return false;
  }
  for (const auto& name : alternatives) {
    const int found = is_address(name)
                          ? X509_check_ip_asc(leaf.get(), name.c_str(), 0)
                          : X509_check_host(leaf.get(), name.c_str(), name.size(), 0, nullptr);
    if (found != 1) {
      return false;
    }
  }
  return true;
}

}  // namespace harness::standin::x509
