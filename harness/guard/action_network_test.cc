#include "harness/guard/action_network.h"

#include <gmock/gmock.h>

#include "harness/guard/guard_fixture.h"
#include "harness/guard/nft_fixture.h"

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Partition, is_a_timed_table_that_is_read_back) {
  FakeNft nft;
  const auto deed = strike_partition(partition(), nft.means());
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_THAT(nft.last, HasSubstr("192.0.2.12 timeout 6000ms"));
  EXPECT_THAT(nft.last, HasSubstr("input ip saddr @peers4 tcp dport @ports counter drop\n"));
  EXPECT_THAT(nft.last, HasSubstr("output ip6 daddr @peers6 tcp sport @ports counter drop\n"));
  EXPECT_THAT(nft.last, HasSubstr("output tcp sport 22 accept"));
  EXPECT_EQ(deed->evidence["sets"]["peers6"][0], "2001:db8::12");
  EXPECT_GT(deed->evidence["packets"], 0);
  EXPECT_THAT(nft.asked_at,
              ElementsAre(Endpoint{"192.0.2.12", 2380}, Endpoint{"2001:db8::12", 2380}));
  EXPECT_TRUE(release(nft.held, nft.means()));
  EXPECT_TRUE(nft.tables.empty());
  EXPECT_TRUE(release(nft.held, nft.means())) << "twice does no harm";
}

TEST(Partition, of_the_pods_network_is_of_datagrams) {
  FakeNft nft;
  nft.reach = Reach::blocked;
  ArmRecord record = partition("reset");
  record.action.object = "cni-overlay";
  const auto deed = strike_partition(record, nft.means());
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_THAT(nft.last, HasSubstr("input ip saddr @peers4 udp dport @ports counter reject\n"));
  EXPECT_THAT(nft.last, HasSubstr("output ip6 daddr @peers6 udp dport @ports counter reject\n"));
  EXPECT_THAT(nft.last, Not(HasSubstr("@peers4 tcp")));
  EXPECT_THAT(nft.last, HasSubstr("{ 4789, 6081, 8472, 51820, 51821, 51871 }"));
  EXPECT_THAT(
      nft.asked_at,
      ElementsAre(Endpoint{"192.0.2.12", 8472, true}, Endpoint{"2001:db8::12", 8472, true}));
}

TEST(Partition, spares_ssh_and_loopback_before_all_else) {
  FakeNft nft;
  ASSERT_TRUE(strike_partition(partition(), nft.means()));
  for (const char* rule : {"input iifname lo accept",
                           "input tcp dport 22 accept",
                           "output oifname lo accept",
                           "output tcp sport 22 accept"}) {
    EXPECT_LT(nft.last.find(rule), nft.last.find("counter")) << rule;
  }
}

TEST(Partition, goes_one_way_where_one_is_asked_for) {
  FakeNft nft;
  ASSERT_TRUE(strike_partition(partition("reset", "in"), nft.means()));
  EXPECT_THAT(nft.last, HasSubstr("input ip saddr @peers4 tcp dport @ports counter reject with"));
  EXPECT_THAT(nft.last, HasSubstr("output tcp flags & rst == rst accept\n")) << "its own resets";
  EXPECT_THAT(nft.last, Not(HasSubstr("daddr")));
  nft.tables.clear();
  ASSERT_TRUE(strike_partition(partition("reset", "out"), nft.means()));
  EXPECT_THAT(nft.last, Not(HasSubstr("saddr")));
}

TEST(Partition, is_done_only_when_the_way_back_is_kept) {
  FakeNft nft;
  nft.noted = fail(ErrorCode::remote_failed, "disk full");
  EXPECT_FALSE(strike_partition(partition(), nft.means()));
  EXPECT_THAT(nft.asked, testing::IsEmpty());
  nft.noted = {};
  ASSERT_TRUE(strike_partition(partition(), nft.means()));
  EXPECT_FALSE(nft.was_there_at_note);
}

TEST(Partition, without_proof_is_an_error) {
  FakeNft nft;
  nft.reach = Reach::answered;
  auto deed = strike_partition(partition(), nft.means());
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("192.0.2.12:2380 still answers"));
  EXPECT_TRUE(release(nft.held, nft.means()));
  EXPECT_TRUE(nft.tables.empty());
  nft.reach = Reach::silent;
  nft.packets_per_question = nft.packets = 0;
  deed = strike_partition(partition(), nft.means());
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("none of its rules has met a packet"));
}

TEST(Partition, that_reads_back_otherwise_is_an_error) {
  FakeNft nft;
  nft.instead = [](const std::string& line) -> std::optional<Result<Finished>> {
    if (line.find("list table inet") == std::string::npos) {
      return std::nullopt;
    }
    return Finished{.out = R"({"nftables":[{"table":{"name":"x"}}]})"};
  };
  const auto deed = strike_partition(partition(), nft.means());
  ASSERT_FALSE(deed);
  EXPECT_THAT(deed.error().message(), HasSubstr("reads back with 0 of 3 sets"));
}

TEST(BlockDns, asks_the_first_name_server_of_the_node) {
  TestFolder folder;
  std::ofstream(folder / "resolv.conf") << "search x\nnameserver 127.0.0.53\nnameserver 192.0.2.1";
  FakeNft nft;
  nft.reach = Reach::blocked;
  Means means = nft.means();
  means.resolver = (folder / "resolv.conf").string();
  const auto deed = strike_dns(dns("reset"), means);
  ASSERT_TRUE(deed) << deed.error().message();
  EXPECT_THAT(nft.asked_at, ElementsAre(Endpoint{"127.0.0.53", 53, true}));
  EXPECT_THAT(nft.last, HasSubstr("{ 53 timeout 6000ms, 853 timeout 6000ms }"));
  EXPECT_THAT(nft.last, HasSubstr("output udp dport @ports counter reject\n"));
  EXPECT_THAT(nft.last, HasSubstr("forward tcp dport @ports counter reject with tcp reset\n"));
  EXPECT_THAT(nft.last, Not(HasSubstr("input")));
  EXPECT_THAT(deed->evidence["summary"].get<std::string>(), HasSubstr("not permitted"));
}

}  // namespace
}  // namespace harness::guard
