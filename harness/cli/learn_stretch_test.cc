// windows learn --stretch: where what stretches is aimed.

#include "harness/aim/lengths.h"
#include "harness/cli/cli_fixture.h"

namespace harness::cli {
namespace {

constexpr const char* kRelease = "v1.30.12+rke2r1";

class LearningStretched : public Cli {
 protected:
  void knows(const std::string& node) {
    aim::Lengths lengths;
    lengths.add({node, kRelease, kRelease},
                {.window = "runtime", .length_us = 2'000'000, .since_us = {}});
    ASSERT_TRUE(lengths.save(aim::Lengths::beside(inventory())));
  }

  exec::CommandResult learn() {
    return hookshot({"windows",
                     "learn",
                     "-i",
                     inventory(),
                     "--from",
                     kRelease,
                     "--to",
                     kRelease,
                     "--stretch",
                     "slow-service",
                     "--in",
                     "runtime",
                     "--offset",
                     "50%",
                     "--results",
                     (directory_ / "results").string()});
  }
};

TEST_F(LearningStretched, takes_no_agents_length_for_a_servers) {
  knows("w-1");
  const auto refused = learn();
  EXPECT_EQ(refused.exit_status, 2);
  EXPECT_THAT(refused.err, HasSubstr("offset 50% needs the length of runtime on cp-1"));
  EXPECT_THAT(refused.err, HasSubstr("which has not been learned"));
  knows("cp-1");
  EXPECT_THAT(learn().err, testing::Not(HasSubstr("has not been learned")));
}

}  // namespace
}  // namespace harness::cli
