#include "harness/lab/standin/x509.h"

#include <gtest/gtest.h>

namespace harness::standin::x509 {
namespace {

const std::vector<std::string> kNames = {"cp-1", "127.0.0.1"};

Profile serving(int days) {
  return {{"cp-1", {}}, kNames, true, true, days};
}

TEST(Certificate, is_good_while_it_has_more_than_the_limit_left) {
  const auto ca = make_ca("ca");
  const auto leaf = issue(*ca, serving(100));
  ASSERT_TRUE(leaf) << leaf.error().message();
  EXPECT_TRUE(still_good(leaf->certificate, *ca, 90, kNames));
  EXPECT_FALSE(still_good(leaf->certificate, *ca, 120, kNames));
}

TEST(Certificate, is_not_good_when_a_name_is_missing) {
  const auto ca = make_ca("ca");
  const auto leaf = issue(*ca, serving(365));
  EXPECT_FALSE(still_good(leaf->certificate, *ca, 90, {"cp-2"}));
  EXPECT_FALSE(still_good(leaf->certificate, *ca, 90, {"127.0.0.2"}));
}

TEST(Certificate, is_not_good_when_another_authority_issued_it) {
  const auto ca = make_ca("ca");
  const auto other = make_ca("ca");
  const auto leaf = issue(*ca, serving(365));
  EXPECT_FALSE(still_good(leaf->certificate, *other, 90, kNames));
  EXPECT_FALSE(still_good("nonsense", *ca, 90, {}));
}

TEST(Certificate, is_signed_over_a_request) {
  const auto ca = make_ca("ca");
  const auto key = make_key();
  const auto request = make_request(*key);
  ASSERT_TRUE(request);
  const auto certificate = sign_request(*ca, serving(365), *request);
  ASSERT_TRUE(certificate) << certificate.error().message();
  EXPECT_TRUE(still_good(*certificate, *ca, 90, kNames));
}

TEST(Certificate, is_refused_for_what_is_no_request) {
  const auto ca = make_ca("ca");
  const auto certificate = sign_request(*ca, serving(365), "nonsense");
  ASSERT_FALSE(certificate);
  EXPECT_EQ(certificate.error().code(), ErrorCode::invalid_input);
  EXPECT_NE(certificate.error().message().find("certificate request"), std::string::npos);
}

}  // namespace
}  // namespace harness::standin::x509
