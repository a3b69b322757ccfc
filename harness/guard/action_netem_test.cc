#include "harness/guard/action_netem.h"

#include <gmock/gmock.h>

#include "harness/guard/nft_fixture.h"

namespace harness::guard {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kPlain =
    R"([{"kind":"noqueue","handle":"0:","dev":"lo","root":true,"options":{}},)"
    R"({"kind":"mq","handle":"0:","dev":"eth0","root":true,"options":{}},)"
    R"({"kind":"fq_codel","handle":"0:","dev":"eth0","parent":":1","options":{}}])";

// A tc that keeps one device's qdiscs in memory, beside the nft that keeps tables.
class Netem : public testing::Test {
 protected:
  Netem() {
    nft_.instead = [this](const std::string& line) { return answer(line); };
    means_ = nft_.means();
    means_.feed = [this](const std::vector<std::string>& argv,
                         const std::string& input,
                         std::chrono::milliseconds limit) {
      batch_ = argv.back() == "-" && argv[1] != "-f" ? input : batch_;
      return nft_.means().feed(argv, input, limit);
    };
  }

  std::optional<Result<Finished>> answer(const std::string& line) {
    if (line.starts_with("unshare --net tc")) {
      return kernel_has_netem_ ? Finished{} : Finished{.status = 1, .err = "kind is unknown.\n"};
    }
    if (line.starts_with("ip -j route get ")) {
      return Finished{.out = R"([{"dst":"x","dev":")" + device_ + R"("}])"};
    }
    if (line == "tc -batch -") {
      stands_ = takes_;
      return takes_ ? Finished{} : Finished{.status = 1, .err = "no"};
    }
    if (line == "tc qdisc del dev eth0 root handle 7a57:") {
      stands_ = false;
      return Finished{};
    }
    if (line == "tc -j -s qdisc show") {
      return Finished{.out = stands_ ? standing() : others_};
    }
    return std::nullopt;
  }

  std::string standing() const {
    return fmt::format(
        R"([{{"kind":"prio","handle":"7a57:","dev":"eth0","root":true,"packets":9}},)"
        R"({{"kind":"netem","handle":"7a58:","dev":"eth0","parent":"7a57:4","packets":{},)"
        R"("drops":{},"qlen":{}}}])",
        packets_,
        dropped_,
        held_);
  }

  static ArmRecord record() {
    ArmRecord made;
    made.id = "h-1";
    made.action = {.kind = Action::Kind::netem,
                   .hold = std::chrono::milliseconds(1000),
                   .amounts = {{"delay_us", 100'000},
                               {"jitter_us", 20'000},
                               {"loss_percent", 5},
                               {"duplicate_percent", 0},
                               {"reorder_percent", 25},
                               {"rate_kbit", 1000}},
                   .addresses = {"192.0.2.12", "2001:db8::12"}};
    return made;
  }

  FakeNft nft_;
  Means means_;
  std::string batch_;
  std::string device_ = "eth0";
  std::string others_ = kPlain;
  bool kernel_has_netem_ = true;
  bool takes_ = true;
  bool stands_ = false;
  int packets_ = 3;
  int dropped_ = 0;
  int held_ = 0;
};

TEST_F(Netem, stands_in_a_band_that_only_marked_packets_take) {
  const auto deed = strike_netem(record(), means_);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(batch_,
            "qdisc add dev eth0 root handle 7a57: prio bands 4\n"
            "qdisc add dev eth0 parent 7a57:4 handle 7a58: netem limit 10000 "
            "delay 100000us 20000us loss 5% reorder 25% rate 1000kbit\n"
            "filter add dev eth0 parent 7a57: protocol all prio 1 "
            "handle 0x1000/0x1000 fw flowid 7a57:4\n");
  const std::string& table = nft_.tables.at("hookshot_h_1");
  EXPECT_THAT(table, HasSubstr("hook postrouting priority 300;"));
  EXPECT_THAT(table, HasSubstr("peers4 { 192.0.2.12 timeout 6000ms }"));
  EXPECT_THAT(table, HasSubstr("ip daddr @peers4 counter meta mark set meta mark or 0x1000\n"));
  EXPECT_LT(table.find("tcp sport 22 accept"), table.find("counter"));
  EXPECT_EQ(deed->evidence["packets"], 3);
  const auto released = release(nft_.held, means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(*released, HasSubstr("eth0 has its own qdisc again"));
  EXPECT_FALSE(stands_);
  EXPECT_TRUE(nft_.tables.empty());
  EXPECT_TRUE(release(nft_.held, means_)) << "twice does no harm";
}

TEST_F(Netem, is_not_supported_where_the_kernel_has_none) {
  kernel_has_netem_ = false;
  const auto deed = strike_netem(record(), means_);
  ASSERT_FALSE(deed);
  EXPECT_EQ(deed.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(deed.error().message(), AllOf(HasSubstr("kind is unknown"), HasSubstr("sch_netem")));
  EXPECT_TRUE(nft_.held.is_null());
  EXPECT_TRUE(nft_.tables.empty());
}

TEST_F(Netem, leaves_a_device_alone_that_somebody_has_set_up) {
  for (const char* root : {R"({"kind":"htb","handle":"1:","dev":"eth0","root":true})",
                           R"({"kind":"fq","handle":"8001:","dev":"eth0","root":true})",
                           R"({"kind":"netem","handle":"0:","dev":"eth0","root":true})"}) {
    others_ = std::string("[") + root + "]";
    const auto deed = strike_netem(record(), means_);
    ASSERT_FALSE(deed) << root;
    EXPECT_EQ(deed.error().code(), ErrorCode::refused) << root;
    EXPECT_TRUE(nft_.held.is_null());
  }
}

TEST_F(Netem, is_done_only_when_the_way_back_is_kept) {
  nft_.noted = fail(ErrorCode::remote_failed, "disk full");
  EXPECT_FALSE(strike_netem(record(), means_));
  EXPECT_FALSE(stands_);
  EXPECT_TRUE(nft_.tables.empty());
}

TEST_F(Netem, is_proved_by_what_it_drops_or_holds_as_well) {
  packets_ = 0;
  dropped_ = 2;
  auto deed = strike_netem(record(), means_);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["packets"], 2);
  EXPECT_TRUE(release(nft_.held, means_));
  dropped_ = 0;
  held_ = 1;
  deed = strike_netem(record(), means_);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_EQ(deed->evidence["packets"], 1);
}

TEST_F(Netem, without_proof_is_an_error_and_is_taken_back) {
  packets_ = 0;
  auto deed = strike_netem(record(), means_);
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("met no packet"));
  EXPECT_TRUE(release(nft_.held, means_));
  takes_ = false;
  deed = strike_netem(record(), means_);
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("tc did not take netem on eth0"));
  EXPECT_TRUE(release(nft_.held, means_));
  EXPECT_TRUE(nft_.tables.empty());
}

TEST_F(Netem, never_deletes_a_root_that_is_not_ours) {
  ASSERT_TRUE(strike_netem(record(), means_));
  stands_ = false;
  others_ = R"([{"kind":"htb","handle":"1:","dev":"eth0","root":true}])";
  const auto released = release(nft_.held, means_);
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(nft_.asked, Not(Contains(HasSubstr("qdisc del"))));
}

TEST_F(Netem, wants_a_device_that_leads_there) {
  for (const char* device : {"lo", "", "eth0; reboot", "-x"}) {
    device_ = device;
    EXPECT_FALSE(strike_netem(record(), means_)) << device;
  }
  EXPECT_TRUE(nft_.held.is_null());
}

TEST(Qdiscs, are_read_as_tc_prints_them) {
  const auto all = qdiscs_of(kPlain);
  ASSERT_TRUE(all) << all.error().message();
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[1].kind, "mq");
  EXPECT_EQ((*all)[1].parent, "");
  EXPECT_EQ((*all)[2].parent, ":1");
  for (const char* text : {"", "{}", "7"}) {
    EXPECT_FALSE(qdiscs_of(text)) << text;
  }
  EXPECT_TRUE(qdiscs_of("[1,null,{}]")->empty());
}

// This machine's own kernel, in a network namespace that is gone with the command.
TEST(RealNetem, is_there_or_says_that_it_is_not) {
  const Action action{.kind = Action::Kind::netem, .amounts = {{"delay_us", 1000}}};
  if (geteuid() != 0) {
    GTEST_SKIP() << "root is wanted for a network namespace";
  }
  const Status there = check_netem(action, means_of());
  if (!there) {
    EXPECT_EQ(there.error().code(), ErrorCode::not_supported);
    EXPECT_THAT(there.error().message(), HasSubstr("sch_netem"));
  }
}

}  // namespace
}  // namespace harness::guard
