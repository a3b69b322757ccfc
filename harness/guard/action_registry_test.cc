#include "harness/guard/action_registry.h"

#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"
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
      if (line.starts_with("systemctl show ")) {
        return says(std::to_string(main_) + "\n");
      }
      if (!line.starts_with("getent ahosts ")) {
        return std::nullopt;
      }
      const auto own = answers_.find(line.substr(line.rfind(' ') + 1));
      return own == answers_.end() ? answer_ : own->second;
    };
  }

  void mirrors(const std::string& directory, const std::string& text) const {
    const auto at = folder_.path() / "agent/etc/containerd/certs.d" / directory;
    std::filesystem::create_directories(at);
    std::ofstream(at / "hosts.toml") << text;
  }

  // Of the unit's main process.
  Means with_environ(const std::string& environ) {
    main_ = getpid();
    std::filesystem::create_directories(folder_ / std::to_string(main_));
    std::ofstream(folder_ / std::to_string(main_) / "environ") << environ;
    Means means = nft_.means();
    means.proc = folder_.string();
    return means;
  }

  void is_not_supported(const Result<Struck>& struck) const {
    ASSERT_FALSE(struck);
    EXPECT_EQ(struck.error().code(), ErrorCode::not_supported);
    EXPECT_TRUE(nft_.tables.empty());
    EXPECT_TRUE(nft_.held.is_null()) << "nothing is there to be taken back";
  }

  ArmRecord record(const std::string& host) const {
    ArmRecord made;
    made.id = "h-1";
    made.unit = "rke2-server.service";
    made.data_dir = folder_.string();
    made.action = {
        .kind = Action::Kind::registry, .hold = std::chrono::milliseconds(60'000), .host = host};
    return made;
  }

  static Result<Finished> says(const std::string& text) { return Finished{.out = text}; }

  TestFolder folder_;
  FakeNft nft_;
  int main_ = 0;
  std::map<std::string, Result<Finished>> answers_;
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

TEST_F(Registry, is_cut_off_with_its_mirrors) {
  mirrors("r.example", "[host.\"https://one.example:5000\"]\n[host.\"http://two.example\"]\n");
  mirrors("_default", "[host.\"https://other.example\"]\n");
  answers_ = {{"one.example", says("192.0.2.1 STREAM\n")},
              {"two.example", says("192.0.2.2 RAW\n")}};
  const auto struck = strike_registry(record("r.example"), nft_.means());
  ASSERT_TRUE(struck) << struck.error().message();
  EXPECT_THAT(nft_.last, HasSubstr("192.0.2.1 timeout 65000ms, 192.0.2.2 timeout 65000ms }"));
  EXPECT_THAT(nft_.last, HasSubstr("ports { 443, 80, 5000 }"));
  EXPECT_THAT(
      nft_.asked_at,
      ElementsAre(
          Endpoint{"198.51.100.7", 443}, Endpoint{"192.0.2.1", 5000}, Endpoint{"192.0.2.2", 80}));
  const Json& evidence = struck->deed.evidence;
  ASSERT_EQ(evidence["hosts"].size(), 3U);
  EXPECT_EQ(evidence["hosts"][0]["named_by"], "registry");
  EXPECT_EQ(evidence["hosts"][1]["host"], "one.example");
  EXPECT_EQ(evidence["hosts"][1]["addresses"], Json({"192.0.2.1"}));
  EXPECT_THAT(evidence["hosts"][1]["named_by"].get<std::string>(), HasSubstr("hosts.toml:1"));
  EXPECT_THAT(
      evidence["summary"].get<std::string>(),
      HasSubstr("r.example and its mirrors one.example, two.example cut off at 4 addresses"));
}

TEST_F(Registry, is_no_hit_while_one_of_its_mirrors_answers) {
  mirrors("r.example", "[host.\"https://one.example\"]\n");
  answers_ = {{"one.example", says("192.0.2.1 STREAM\n")}};
  Means means = nft_.means();
  means.reach = [](const std::vector<Endpoint>& all) {
    std::vector<Reach> out(all.size(), Reach::silent);
    out.back() = Reach::answered;
    return out;
  };
  const auto struck = strike_registry(record("r.example"), means);
  ASSERT_FALSE(struck);
  EXPECT_THAT(struck.error().message(), HasSubstr("192.0.2.1:443 still answers"));
}

TEST_F(Registry, has_the_default_mirrors_where_it_has_none_of_its_own) {
  mirrors("_default", "[host.\"https://192.0.2.9:5000\"]\n");
  const auto struck = strike_registry(record("docker.io"), nft_.means());
  ASSERT_TRUE(struck) << struck.error().message();
  EXPECT_THAT(nft_.last, HasSubstr("192.0.2.9 timeout"));
}

TEST_F(Registry, that_only_its_mirror_is_found_of_is_cut_off_there) {
  mirrors("r.example", "[host.\"https://one.example\"]\n");
  answers_ = {{"r.example", Finished{.status = 2}}, {"one.example", says("192.0.2.1 STREAM\n")}};
  const auto struck = strike_registry(record("r.example"), nft_.means());
  ASSERT_TRUE(struck) << struck.error().message();
  EXPECT_THAT(nft_.last, HasSubstr("peers4 { 192.0.2.1 timeout"));
  EXPECT_THAT(struck->deed.evidence["hosts"][0]["unresolved"].get<std::string>(),
              HasSubstr("r.example cannot be resolved"));
  const std::int64_t start = struck->deed.effect.mono_us;
  EXPECT_EQ(struck->standing->step(start), start + kResolveAgainUs / 2) << "each in its turn";
  answers_["r.example"] = says("198.51.100.8 STREAM\n");
  static_cast<void>(struck->standing->step(start + kResolveAgainUs / 2));
  EXPECT_THAT(nft_.last, HasSubstr("add element inet hookshot_h_1 peers4 { 198.51.100.8 "));
  answers_["one.example"] = says("192.0.2.2 STREAM\n");
  static_cast<void>(struck->standing->step(start + kResolveAgainUs));
  EXPECT_THAT(nft_.last, HasSubstr("add element inet hookshot_h_1 peers4 { 192.0.2.2 "));
}

TEST_F(Registry, with_a_mirror_on_the_node_itself_is_not_supported) {
  mirrors("r.example", "[host.\"https://127.0.0.1:6443/v2\"]\n");
  const auto struck = strike_registry(record("r.example"), nft_.means());
  is_not_supported(struck);
  EXPECT_THAT(struck.error().message(), HasSubstr("hosts.toml:1 has a mirror that is not cut off"));
}

TEST_F(Registry, whose_mirrors_cannot_be_read_is_not_supported) {
  mirrors("r.example", "server = \"https://r.example\"\n[host.\"https://one.exa\n");
  const auto struck = strike_registry(record("r.example"), nft_.means());
  is_not_supported(struck);
  EXPECT_THAT(struck.error().message(), HasSubstr("certs.d/r.example/hosts.toml:2: "));
}

TEST_F(Registry, that_a_proxy_leads_to_is_not_supported) {
  const auto struck =
      strike_registry(record("r.example"), with_environ("HTTPS_PROXY=http://me:pw@p.example:3128"));
  is_not_supported(struck);
  EXPECT_THAT(struck.error().message(),
              HasSubstr("go by the proxy p.example:3128 (HTTPS_PROXY of"));
}

TEST_F(Registry, that_no_proxy_covers_is_cut_off) {
  using namespace std::string_literals;
  const auto struck = strike_registry(
      record("r.example"), with_environ("HTTPS_PROXY=http://p.example:3128\0NO_PROXY=.example"s));
  ASSERT_TRUE(struck) << struck.error().message();
  EXPECT_THAT(struck->deed.evidence["proxy"].get<std::string>(),
              HasSubstr("none for these hosts in the environment of rke2-server.service"));
}

}  // namespace
}  // namespace harness::guard
