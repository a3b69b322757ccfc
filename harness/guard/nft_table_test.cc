#include "harness/guard/nft_table.h"

#include <gmock/gmock.h>

#include "harness/guard/nft_fixture.h"

namespace harness::guard {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(NftTable, has_a_name_of_its_record_alone) {
  EXPECT_EQ(table_of("h-0011aabb-1"), "hookshot_h_0011aabb_1");
  EXPECT_TRUE(is_table_of_ours(table_of(std::string(64, 'x'))));
  for (const char* name : {"", "hookshot_", "filter", "hookshot_x; flush ruleset", "hookshot_A"}) {
    EXPECT_FALSE(is_table_of_ours(name)) << name;
  }
}

TEST(NftTable, is_written_in_one_text) {
  TableText text("hookshot_x");
  text.set("peers4", "ipv4_addr", {"192.0.2.12", "192.0.2.13"}, milliseconds(35'000));
  text.set("ports", "inet_service", {"2380"}, {});
  text.set("peers6", "ipv6_addr", {}, milliseconds(1));
  text.chain("input");
  text.rule("input", "ip saddr @peers4 tcp dport @ports counter drop");
  EXPECT_EQ(text.text(),
            "create table inet hookshot_x\n"
            "add set inet hookshot_x peers4 { type ipv4_addr; flags timeout; }\n"
            "add element inet hookshot_x peers4 "
            "{ 192.0.2.12 timeout 35000ms, 192.0.2.13 timeout 35000ms }\n"
            "add set inet hookshot_x ports { type inet_service; }\n"
            "add element inet hookshot_x ports { 2380 }\n"
            "add set inet hookshot_x peers6 { type ipv6_addr; flags timeout; }\n"
            "add chain inet hookshot_x input "
            "{ type filter hook input priority -350; policy accept; }\n"
            "add rule inet hookshot_x input ip saddr @peers4 tcp dport @ports counter drop\n");
}

TEST(NftTable, is_read_as_nft_prints_it) {
  const auto state = table_state_of(
      R"({"nftables":[{"metainfo":{"version":"1.0.6"}},{"table":{"family":"inet","name":"x"}},)"
      R"({"set":{"name":"peers4","flags":["timeout"],"elem":[{"elem":{"val":"192.0.2.13",)"
      R"("timeout":5,"expires":4}},{"elem":{"val":"192.0.2.12","timeout":5}}]}},)"
      R"({"set":{"name":"ports","elem":[2380,6443]}},{"set":{"name":"peers6"}},)"
      R"({"chain":{"name":"output","hook":"output"}},{"chain":{"name":"input","hook":"input"}},)"
      R"({"rule":{"expr":[{"match":{}},{"counter":{"packets":3,"bytes":1}},{"drop":null}]}},)"
      R"({"rule":{"expr":[{"counter":{"packets":2,"bytes":1}}]}},{"rule":{"expr":[]}}]})");
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_THAT(state->sets.at("peers4"), ElementsAre("192.0.2.12", "192.0.2.13"));
  EXPECT_THAT(state->sets.at("ports"), ElementsAre("2380", "6443"));
  EXPECT_THAT(state->sets.at("peers6"), IsEmpty());
  EXPECT_THAT(state->hooks, ElementsAre("input", "output"));
  EXPECT_EQ(state->packets, 5);
}

TEST(NftTable, that_is_printed_oddly_is_an_error_and_no_crash) {
  for (const char* text : {"",
                           "{}",
                           "[]",
                           R"({"nftables":[]})",
                           R"({"nftables":[1,null,{"rule":3},{"set":[]},{"chain":7}]})",
                           R"({"nftables":{"table":1}})"}) {
    EXPECT_FALSE(table_state_of(text)) << text;
  }
}

TEST(NftTable, is_not_supported_without_nft_or_nf_tables) {
  FakeNft nft;
  nft.instead = [](const std::string&) {
    return Result<Finished>(fail(ErrorCode::not_supported, "nft is not on this node"));
  };
  const Status none = check_nft(nft.means());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(none.error().message(), HasSubstr("install the package nftables"));
  nft.instead = [](const std::string&) {
    return Result<Finished>(Finished{.status = 1, .err = "Protocol not supported\n"});
  };
  const Status written = write_table(TableText("hookshot_x"), nft.means());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::not_supported);
  EXPECT_THAT(written.error().message(), HasSubstr("modprobe nf_tables"));
}

TEST(NftTable, that_stands_already_is_not_written_over) {
  FakeNft nft;
  ASSERT_TRUE(write_table(TableText("hookshot_x"), nft.means()));
  const Status again = write_table(TableText("hookshot_x"), nft.means());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code(), ErrorCode::remote_failed);
}

TEST(NftTable, is_taken_back_twice_and_no_other_is_touched) {
  FakeNft nft;
  nft.tables = {{"hookshot_x", ""}, {"filter", ""}, {"hookshot_y", ""}};
  const Json held = held_table("hookshot_x");
  const auto gone = release(held, nft.means());
  ASSERT_TRUE(gone) << gone.error().message();
  EXPECT_THAT(*gone, HasSubstr("is gone, read back"));
  EXPECT_THAT(release(held, nft.means()).value(), HasSubstr("is not there"));
  EXPECT_EQ(nft.tables.size(), 2U);
  EXPECT_FALSE(release(held_table("filter"), nft.means()));
  EXPECT_EQ(nft.tables.size(), 2U);
}

TEST(NftTable, that_cannot_be_taken_back_is_an_error) {
  FakeNft nft;
  nft.tables = {{"hookshot_x", ""}};
  nft.deletes = false;
  const auto left = release(held_table("hookshot_x"), nft.means());
  ASSERT_FALSE(left);
  EXPECT_THAT(left.error().message(), HasSubstr("it is still there"));
  nft.instead = [](const std::string&) { return Result<Finished>(Finished{.timed_out = true}); };
  EXPECT_FALSE(release(held_table("hookshot_x"), nft.means())) << "silence is not absence";
}

TEST(NftTable, of_a_record_that_cannot_be_read_goes_by_its_name) {
  FakeNft nft;
  nft.tables = {{"hookshot_h_1", ""}, {"hookshot_h_2", ""}};
  EXPECT_TRUE(remove_table_of("h-1", nft.means()));
  EXPECT_TRUE(remove_table_of("h-1", nft.means())) << "it is not there";
  EXPECT_EQ(nft.tables.count("hookshot_h_2"), 1U);
  nft.deletes = false;
  EXPECT_FALSE(remove_table_of("h-2", nft.means()));
}

TEST(NftTable, is_told_of_when_it_is_left) {
  FakeNft nft;
  nft.tables = {{"hookshot_x", ""}, {"filter", ""}};
  EXPECT_THAT(tables_left(nft.means()).value(), ElementsAre("inet hookshot_x"));
  nft.instead = [](const std::string&) {
    return Result<Finished>(fail(ErrorCode::not_supported, "nft is not on this node"));
  };
  EXPECT_THAT(tables_left(nft.means()).value(), IsEmpty());
  nft.instead = [](const std::string&) { return Result<Finished>(Finished{.timed_out = true}); };
  EXPECT_FALSE(tables_left(nft.means()));
}

}  // namespace
}  // namespace harness::guard
