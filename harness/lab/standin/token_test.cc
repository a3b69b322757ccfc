#include "harness/lab/standin/token.h"

#include <gtest/gtest.h>

namespace harness::standin {
namespace {

const std::string kHash(64, 'a');

TEST(Token, takes_a_bare_password_for_the_default_user) {
  const auto token = parse_token("secret\n", "node");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user, "node");
  EXPECT_EQ(token->password, "secret");
  EXPECT_EQ(token->ca_hash, "");
}

TEST(Token, reads_back_the_full_form) {
  const auto token = parse_token("K10" + kHash + "::server:pass:word", "node");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user, "server");
  EXPECT_EQ(token->password, "pass:word");
  EXPECT_EQ(token->full(), "K10" + kHash + "::server:pass:word");
}

TEST(Token, refuses_nothing_at_all) {
  const auto token = parse_token("", "node");
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code(), ErrorCode::invalid_input);
  EXPECT_EQ(token.error().message(), "token is required to join a cluster");
}

TEST(Token, refuses_a_hash_of_another_length_and_a_missing_password) {
  EXPECT_NE(parse_token("K10abc::server:x", "node").error().message().find("CA hash length"),
            std::string::npos);
  EXPECT_NE(parse_token("K10" + kHash + "::server", "node").error().message().find("token format"),
            std::string::npos);
}

TEST(Token, hashes_the_bundle_with_sha256) {
  EXPECT_EQ(ca_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace harness::standin
