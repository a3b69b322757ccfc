// Ten minutes of drawn faults, each with something that goes wrong meanwhile, on a real node.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "harness/inventory/inventory.h"
#include "harness/lab/lab.h"
#include "harness/soak/snapshot.h"
#include "harness/soak/soak.h"

namespace harness::soak {
namespace {

const std::string kLab = "soak-test";
constexpr Limits kLimits{.rounds = 200, .time = std::chrono::minutes(10)};
constexpr std::size_t kFewest = 15;
// The same rounds each time: scripts/soak-faults draws its seed anew. Looked for until reboots,
// restarts of the service and hookshot's end at each of its steps meet faults that last.
constexpr std::uint64_t kSeed = 63182;
// A container cannot do them; scripts/soak-faults --vm plays them.
const std::set<std::string, std::less<>> kOfAMachine = {
    "clock-jump", "fill-disk", "slow-disk", "slow-network"};

std::vector<std::string> of_a_container() {
  const std::vector<Choice> all = choices().value();
  std::vector<std::string> out;
  for (const Choice& choice : all) {
    if (!kOfAMachine.contains(choice.spec->name)) {
      out.emplace_back(choice.spec->name);
    }
  }
  return out;
}

// A fault that lasts, and was applied or had its hookshot killed.
bool stood(const Round& round, Mishap mishap) {
  return round.drawn.mishap == mishap && round.drawn.params.contains("duration") &&
         (round.outcome == "applied" || round.outcome == "killed");
}

class OnTheLab : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0) {
      unsupported_ = "the lab needs root";
      return;
    }
    lab::UpOptions options;
    options.name = kLab;
    options.version = "v1.30.13+rke2r1";
    options.agents = 1;  // somebody to be cut off from
    options.inventory = std::filesystem::temp_directory_path() / "hookshot-soak-lab.yaml";
    const auto up = lab::up(options);
    if (!up && up.error().code() == ErrorCode::not_supported) {
      unsupported_ = up.error().message();
      return;
    }
    ASSERT_TRUE(up) << up.error().message();
    inventory_ = up->inventory.string();
    const auto loaded = inventory::load(inventory_);
    ASSERT_TRUE(loaded) << loaded.error().message();
    auto connected = cluster::Cluster::connect(*loaded, Deadline::after(std::chrono::seconds(30)));
    ASSERT_TRUE(connected) << connected.error().message();
    cluster_ = std::move(*connected);
    for (cluster::Node* node : cluster_->nodes()) {
      const auto allowed = node->guard(
          "allow", {{"cluster", cluster_->name()}}, Deadline::after(std::chrono::seconds(20)));
      ASSERT_TRUE(allowed) << allowed.error().message();
    }
  }

  static void TearDownTestSuite() {
    cluster_.reset();
    if (::geteuid() == 0) {
      const auto down = lab::down(kLab);
      EXPECT_TRUE(down) << down.error().message();
    }
  }

  void SetUp() override {
    if (!unsupported_.empty()) {
      GTEST_SKIP() << unsupported_;
    }
    ASSERT_NE(cluster_, nullptr) << "the lab did not come up";
  }

  static inline std::string unsupported_;
  static inline std::string inventory_;
  static inline std::unique_ptr<cluster::Cluster> cluster_;
};

TEST_F(OnTheLab, a_snapshot_sees_what_was_left) {
  cluster::Node& node = *cluster_->nodes().front();
  const auto now = [&] {
    return take_snapshot(node, cluster_->name(), Deadline::after(std::chrono::seconds(60)));
  };
  const auto does = [&](std::vector<std::string> argv) {
    const auto done =
        node.run({.argv = std::move(argv)}, Deadline::after(std::chrono::seconds(20)));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_TRUE(done->ok()) << done->err;
  };
  const std::string file = node.data_dir() + "/agent/.hookshot-left";
  const std::string certificate = node.data_dir() + "/server/tls/etcd/peer-server-client.crt";
  const auto before = now();
  ASSERT_TRUE(before) << before.error().message();
  does({"touch", file});
  does({"nft", "add", "table", "inet", "hookshot_left"});
  does({"truncate", "-s", "+1", certificate});
  const auto after = now();
  does({"truncate", "-s", "-1", certificate});
  does({"nft", "delete", "table", "inet", "hookshot_left"});
  does({"rm", file});
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_THAT(differences(*before, *after),
              testing::UnorderedElementsAre(testing::StartsWith("files of ours: was"),
                                            testing::StartsWith("nft tables: was"),
                                            testing::HasSubstr("peer-server-client.crt: was")));
  const auto again = now();
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_THAT(differences(*before, *again), testing::IsEmpty());
}

TEST_F(OnTheLab, nothing_is_left_whatever_dies_meanwhile) {
  const char* given = std::getenv("HOOKSHOT_SOAK_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : kSeed;
  fmt::print("seed {} (HOOKSHOT_SOAK_SEED gives another)\n", seed);
  auto soak = Soak::begin(
      *cluster_,
      {.hookshot = HOOKSHOT_BINARY_DIR "/harness/cli/hookshot", .inventory = inventory_});
  ASSERT_TRUE(soak) << soak.error().message();
  const auto soaked = soak->play(Draw(seed, choices(of_a_container()).value()),
                                 kLimits,
                                 [](const Round& round) {
                                   fmt::print("{}\n", round.to_json().dump());
                                   std::fflush(stdout);
                                 },
                                 {});
  ASSERT_TRUE(soaked) << soaked.error().message();
  fmt::print("{}", soaked->table());
  for (const Round& round : soaked->rounds) {
    EXPECT_THAT(round.leaks, testing::IsEmpty()) << round.to_json().dump();
  }
  EXPECT_GE(soaked->rounds.size(), kFewest);
  if (given == nullptr) {
    const auto met = [&](Mishap mishap) {
      return std::ranges::count_if(soaked->rounds,
                                   [&](const Round& round) { return stood(round, mishap); });
    };
    EXPECT_GE(met(Mishap::rebooted), 1) << "a lasting fault under a reboot";
    EXPECT_GE(met(Mishap::service_restarted), 1) << "a lasting fault beside a restart";
    EXPECT_GE(met(Mishap::controller_killed), 3) << "lasting faults whose hookshot was killed";
  }
}

}  // namespace
}  // namespace harness::soak
