#include "harness/guard/action_registry.h"

#include <gmock/gmock.h>

#include "harness/guard/nft_fixture.h"

namespace harness::guard {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Registry : public testing::Test {
 protected:
  Registry() {
    nft_.instead = [this](const std::string& line) -> std::optional<Result<Finished>> {
      return line.starts_with("getent ahosts ") ? std::optional(answer_) : std::nullopt;
    };
  }

  static ArmRecord record(const std::string& host) {
    ArmRecord made;
    made.id = "h-1";
    made.action = {
        .kind = Action::Kind::registry, .hold = std::chrono::milliseconds(60'000), .host = host};
    return made;
  }

  static Result<Finished> says(const std::string& text) { return Finished{.out = text}; }

  FakeNft nft_;
  Result<Finished> answer_ = says(
      "198.51.100.7    STREAM r.example\n198.51.100.7    DGRAM  \n198.51.100.7    RAW    \n"
      "2001:db8::7     STREAM \n");
};

TEST_F(Registry, is_cut_off_at_every_address_behind_its_name) {
  const auto struck = strike_registry(record("r.example:5000"), nft_.means());
  ASSERT_TRUE(struck) << struck.error().message();
  EXPECT_THAT(nft_.last, HasSubstr("peers4 { 198.51.100.7 timeout 65000ms }"));
  EXPECT_THAT(nft_.last, HasSubstr("peers6 { 2001:db8::7 timeout 65000ms }"));
  EXPECT_THAT(nft_.last, HasSubstr("ports { 5000 }"));
  EXPECT_THAT(nft_.asked_at, ElementsAre(Endpoint{"198.51.100.7", 5000}));
  ASSERT_NE(struck->standing, nullptr);
  EXPECT_TRUE(release(nft_.held, nft_.means()));
  EXPECT_TRUE(nft_.tables.empty());
  EXPECT_TRUE(release(nft_.held, nft_.means())) << "twice does no harm";
}

TEST_F(Registry, that_is_an_address_is_not_resolved) {
  const auto struck = strike_registry(record("198.51.100.9"), nft_.means());
  ASSERT_TRUE(struck) << struck.error().message();
  EXPECT_THAT(nft_.asked, Not(testing::Contains(HasSubstr("getent"))));
  EXPECT_THAT(nft_.last, HasSubstr("ports { 443, 80 }"));
}

TEST_F(Registry, of_docker_has_other_names_behind_it) {
  ASSERT_TRUE(strike_registry(record("docker.io"), nft_.means()));
  EXPECT_THAT(nft_.asked, testing::Contains("getent ahosts registry-1.docker.io"));
  EXPECT_THAT(nft_.asked, testing::Contains("getent ahosts auth.docker.io"));
}

TEST_F(Registry, that_cannot_be_resolved_is_an_error_and_nothing_is_done) {
  for (const Finished& said :
       {Finished{.status = 2}, Finished{.timed_out = true}, Finished{.out = "; drop STREAM\n"}}) {
    answer_ = said;
    const auto struck = strike_registry(record("r.example"), nft_.means());
    ASSERT_FALSE(struck);
    EXPECT_THAT(struck.error().message(), HasSubstr("r.example cannot be resolved on this node"));
  }
  EXPECT_TRUE(nft_.tables.empty());
  EXPECT_TRUE(nft_.held.is_null());
}

TEST_F(Registry, on_the_loopback_is_refused) {
  answer_ = says("127.0.0.1       STREAM localhost\n");
  const auto struck = strike_registry(record("localhost:5000"), nft_.means());
  ASSERT_FALSE(struck);
  EXPECT_EQ(struck.error().code(), ErrorCode::refused);
  EXPECT_TRUE(nft_.tables.empty());
}

TEST_F(Registry, is_followed_to_new_addresses_while_it_is_cut_off) {
  const auto struck = strike_registry(record("r.example"), nft_.means());
  ASSERT_TRUE(struck) << struck.error().message();
  const std::int64_t start = struck->deed.effect.mono_us;
  const std::int64_t due = struck->standing->step(start);
  EXPECT_EQ(due, start + kResolveAgainUs);
  answer_ = says("198.51.100.7    STREAM r.example\n198.51.100.8    STREAM\n");
  EXPECT_EQ(struck->standing->step(due - 1), due) << "not yet due";
  EXPECT_EQ(struck->standing->step(due), due + kResolveAgainUs);
  EXPECT_EQ(nft_.last, "add element inet hookshot_h_1 peers4 { 198.51.100.8 timeout 60000ms }\n");
  nft_.last.clear();
  answer_ = Finished{.status = 2};
  EXPECT_EQ(struck->standing->step(due + kResolveAgainUs), due + 2 * kResolveAgainUs);
  EXPECT_EQ(nft_.last, "");
}

}  // namespace
}  // namespace harness::guard
