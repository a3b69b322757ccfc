#include "harness/bench/node_client.h"

#include <deque>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace harness::bench {
namespace {

using testing::HasSubstr;

struct Wire {
  std::deque<std::string> answers;
  std::string sent;
};

class FakeChannel final : public ssh::LineChannel {
 public:
  explicit FakeChannel(Wire& wire) : wire_(wire) {}

  Result<std::optional<std::string>> next_line(Deadline) override {
    if (wire_.answers.empty()) {
      return std::optional<std::string>();
    }
    std::optional<std::string> line = wire_.answers.front();
    wire_.answers.pop_front();
    return line;
  }

  Status write(std::string_view bytes, Deadline) override {
    wire_.sent += bytes;
    return {};
  }

  void finish_input() override {}

 private:
  Wire& wire_;
};

Deadline soon() {
  return Deadline::after(std::chrono::seconds(1));
}

TEST(NodeSide, passes_over_answers_to_earlier_requests) {
  Wire wire;
  NodeSide side(std::make_unique<FakeChannel>(wire));
  ASSERT_TRUE(side.send({{"op", "go"}}, soon()));
  wire.answers = {R"({"seq":1,"died":true})", R"({"seq":2,"pid":7})"};
  const auto answer = side.ask({{"op", "victim"}}, soon());
  ASSERT_TRUE(answer);
  EXPECT_EQ(json_int(*answer, "pid"), 7);
  EXPECT_THAT(wire.sent, HasSubstr(R"("seq":2)"));
}

TEST(NodeSide, says_what_it_was_told_instead_of_the_answer) {
  Wire wire;
  NodeSide side(std::make_unique<FakeChannel>(wire));
  ASSERT_TRUE(side.send({{"op", "go"}}, soon()));
  wire.answers = {R"({"seq":1,"died":true})"};
  const auto answer = side.ask({{"op", "end"}}, soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::timed_out);
  EXPECT_THAT(answer.error().message(), HasSubstr("`end`"));
  EXPECT_THAT(answer.error().message(), HasSubstr(R"({"seq":1,"died":true})"));
}

TEST(NodeSide, hands_on_the_error_of_the_node) {
  Wire wire;
  NodeSide side(std::make_unique<FakeChannel>(wire));
  wire.answers = {R"({"seq":1,"error":"begin: systemctl: no"})"};
  const auto answer = side.ask({{"op", "begin"}}, soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::remote_failed);
}

}  // namespace
}  // namespace harness::bench
