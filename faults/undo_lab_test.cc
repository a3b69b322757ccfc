// Taking back on a real node when everybody asks for it at once, and when the time is over before
// the deed is done.

#include <future>

#include "faults/lab_fixture.h"
#include "faults/look.h"

namespace harness::fault {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class UndoOnTheLab : public OnASettledLab {
 protected:
  static std::string from_outside() { return "https://" + node().address() + ":9345/ping"; }

  // How often the record was taken back, as the node's journal has it.
  static int times_taken_back(const std::string& id) {
    const std::string journal =
        look(node(), {"journalctl", "-b", "-t", "hookshot", "-o", "cat", "--no-pager"}).out;
    const std::string line = "reverted " + id + " ";
    int times = 0;
    for (std::size_t at = journal.find(line); at != std::string::npos;
         at = journal.find(line, at + 1)) {
      ++times;
    }
    return times;
  }

  // The trigger's end of the hold, `revert` and `heal`, all at this moment of the node's clock,
  // which is ours.
  static void is_asked_by_all_at(std::chrono::steady_clock::time_point moment,
                                 const std::string& id) {
    const auto wait = [moment] {
      const Status come =
          eventually("the moment", Deadline::after(minutes(1)), milliseconds(1), [moment] {
            return Result<Observation>(
                Observation{.done = std::chrono::steady_clock::now() >= moment, .seen = {}});
          });
      EXPECT_TRUE(come);
    };
    auto healed = std::async(std::launch::async, [&] {
      wait();
      return heal({&node()}, cluster_->name(), "", {}, Deadline::after(minutes(1)));
    });
    wait();
    const auto reverted = node().guard(
        "revert", {{"cluster", cluster_->name()}, {"id", id}}, Deadline::after(minutes(1)));
    ASSERT_TRUE(reverted) << reverted.error().message();
    EXPECT_EQ(json_string(reverted->front(), "state"), "VERIFIED") << reverted->front();
    const HealReport report = healed.get();
    EXPECT_TRUE(report.clean()) << (report.clean() ? "" : report.dirty.front());
  }
};

TEST_F(UndoOnTheLab, one_takes_back_when_all_ask_at_the_same_moment) {
  const std::string kubelet = process(node(), "kubelet");
  const std::string supervisor = from_outside();
  const std::vector<std::pair<const char*, Params>> all = {{"freeze-kubelet", {}},
                                                           {"burn-cpu", {{"cores", "1"}}},
                                                           {"partition", {{"what", "supervisor"}}}};
  for (const auto& [name, params] : all) {
    for (const int early_ms : {300, 100, 0}) {
      SCOPED_TRACE(std::string(name) + ", asked " + std::to_string(early_ms) + " ms early");
      Params with = params;
      with.emplace("duration", "3s");
      const Standing standing = lasts(request(name, with));
      const std::int64_t effect = json_int(standing.outcome.record["effect"], "mono_us");
      ASSERT_GT(effect, 0) << standing.outcome.record;
      is_asked_by_all_at(std::chrono::steady_clock::time_point(microseconds(effect) + seconds(3) -
                                                               milliseconds(early_ms)),
                         standing.id);
      const Status undone =
          await_undone(node(), cluster_->name(), standing.id, Deadline::after(minutes(1)));
      EXPECT_TRUE(undone) << undone.error().message();
      nothing_is_left();
      becomes("times taken back", 1, [&] { return times_taken_back(standing.id); });
      const auto after =
          await(node(), cluster_->name(), standing.id, {}, Deadline::after(seconds(20)));
      ASSERT_TRUE(after) << after.error().message();
      std::cerr << name << ", asked " << early_ms
                << " ms early, was taken back: " << json_string(after->record, "reverted_because")
                << "\n";
      becomes(kKubelet, kAnswered, [&] { return reach(node(), kKubelet); });
      becomes(supervisor, kAnswered, [&] { return reach(worker(), supervisor); });
    }
  }
  EXPECT_EQ(process(node(), "kubelet"), kubelet);
}

TEST_F(UndoOnTheLab, a_time_that_is_over_before_the_deed_is_done_costs_neither_proof_nor_undo) {
  const std::string supervisor = from_outside();
  const std::string end = served_end(node(), 2379);
  const std::vector<std::pair<const char*, Params>> all = {
      {"partition", {{"what", "supervisor"}}},
      {"expire-certificate", {{"what", "etcd-server"}}},
      {"stop-service", {}}};
  for (const auto& [name, params] : all) {
    SCOPED_TRACE(name);
    Params with = params;
    with.emplace("duration", "100ms");
    const Standing standing = lasts(request(name, with));
    const Status undone =
        await_undone(node(), cluster_->name(), standing.id, Deadline::after(minutes(1)));
    EXPECT_TRUE(undone) << undone.error().message();
    const auto after =
        await(node(), cluster_->name(), standing.id, {}, Deadline::after(seconds(20)));
    ASSERT_TRUE(after) << after.error().message();
    const std::int64_t took = json_int(after->record["reverted"], "mono_us") -
                              json_int(after->record["begun"], "mono_us");
    std::cerr << name << ": " << took / 1000 << " ms from the deed's begin to its end\n";
    // The proof waits as long for what does not answer, four times the time that it was to last.
    EXPECT_GE(took, std::string(name) == "partition" ? 400'000 : 100'000);
    nothing_is_left();
    becomes(supervisor, kAnswered, [&] { return reach(worker(), supervisor); });
    EXPECT_EQ(served_end(node(), 2379), end);
    becomes("times taken back", 1, [&] { return times_taken_back(standing.id); });
  }
}

}  // namespace
}  // namespace harness::fault
