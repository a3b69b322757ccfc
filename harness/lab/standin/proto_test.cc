#include "harness/lab/standin/proto.h"

#include <gtest/gtest.h>

namespace harness::standin::proto {
namespace {

TEST(Proto, writes_the_wire_format) {
  EXPECT_EQ(Writer().number(1, 150).bytes(), "\x08\x96\x01");
  EXPECT_EQ(Writer().text(2, "testing").bytes(), "\x12\x07testing");
}

TEST(Proto, reads_back_what_it_wrote) {
  const Writer written = Writer()
                             .text(1, "id")
                             .message(2, Writer().text(1, "name").number(4, 7))
                             .map(5, {{"component", "etcd"}});
  const auto read = Message::parse(written.bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(1), "id");
  EXPECT_EQ(read->message(2).text(1), "name");
  EXPECT_EQ(read->message(2).number(4), 7U);
  EXPECT_EQ(read->map(5).at("component"), "etcd");
  EXPECT_TRUE(read->has(5));
  EXPECT_FALSE(read->has(6));
}

TEST(Proto, takes_the_last_value_and_all_of_a_repeated_field) {
  const std::string bytes = Writer().text(1, "a").text(1, "b").bytes();
  const auto read = Message::parse(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(1), "b");
  EXPECT_EQ(read->all(1).size(), 2U);
}

TEST(Proto, skips_fields_of_fixed_size) {
  const std::string bytes =
      std::string("\x09") + std::string(8, 'x') + "\x15" + std::string(4, 'y') + "\x1a\x01z";
  const auto read = Message::parse(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text(3), "z");
}

TEST(Proto, refuses_bytes_that_are_cut_off) {
  for (const std::string bytes : {"\x12\x07test", "\x08\xff", "\x80", "\x0b"}) {
    const auto read = Message::parse(bytes);
    ASSERT_FALSE(read) << testing::PrintToString(bytes);
    EXPECT_EQ(read.error().code(), ErrorCode::internal);
    EXPECT_NE(read.error().message().find("protobuf"), std::string::npos);
  }
}

}  // namespace
}  // namespace harness::standin::proto
