// What a record names is held to what arming could have named, before anything is touched.
#include <gmock/gmock.h>

#include "harness/guard/action_clock.h"
#include "harness/guard/guard_fixture.h"
#include "harness/guard/systemd_fixture.h"
#include "harness/guard/undo.h"

namespace harness::guard {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class Confined : public testing::Test, public NodeInFolder {
 protected:
  void SetUp() override {
    for (const char* folder :
         {"data/agent/pod-manifests", "data/server/tls/etcd", "other/agent/pod-manifests"}) {
      fs::create_directories(folder_ / folder);
    }
    std::ofstream(bystander_) << "8:0 riops=9\n";
  }

  std::string in(const std::string& name) const { return (folder_ / name).string(); }

  // Its undo, with what stood on the node before beside it.
  Healed undone(Json held) {
    RecordState state = armed_record("h-1");
    state.record.data_dir = in("data");
    state.progress["state"] = "APPLIED";
    held["boot_id"] = boot_id();
    held.emplace("unit", "rke2-server.service");
    state.progress["held"] = std::move(held);
    EXPECT_TRUE(store_.create(state));
    std::ofstream(store_.before_of("h-1")) << "what stood there\n";
    return undo(store_, "h-1", "asked by the test");
  }

  const std::string manifest_ = in("data/agent/pod-manifests/etcd.yaml");
  const std::string bystander_ = in("io.max");
};

TEST_F(Confined, refuses_what_no_arming_has_named_and_touches_nothing) {
  const Clocks clocks = Clocks::of_this_node();
  const auto file = [](const char* kind, const std::string& path) {
    return Json{{"kind", kind}, {"path", path}, {"away", true}};
  };
  const auto kept_as = [&](const std::string& aside) {
    Json held = file("manifest", manifest_);
    held["aside"] = aside;
    return held;
  };
  const auto clock = [&](Json keepers) {
    return Json{{"kind", "clock"},
                {"wall_us", clocks.wall_us()},
                {"boot_us", clocks.boot_us()},
                {"keepers", std::move(keepers)}};
  };
  const auto slowed = [&](const std::string& unit, const std::string& drop_in) {
    return Json{{"kind", "slowed"}, {"unit", unit}, {"drop_in", drop_in}, {"ours", "9"}};
  };
  Json itself = file("manifest", bystander_);
  itself["aside"] = bystander_;
  Json in_place = kept_as(in("data/agent/.hookshot-h-1-etcd.yaml"));
  in_place["in_place"] = true;
  Json of_unit = file("manifest", manifest_);
  of_unit["unit"] = "sshd.service";

  struct Hostile {
    Json held;
    std::string named;  // in what is said
  };

  for (const auto& [held, named] : std::vector<Hostile>{
           {itself, bystander_},
           {file("manifest", in("cron.d/x")), "cron.d/x"},
           {file("manifest", in("other/agent/pod-manifests/etcd.yaml")), "other/agent"},
           {file("manifest", in("data/agent/pod-manifests/mine.yaml")), "mine.yaml"},
           {file("manifest", in("data/agent/pod-manifests/../pod-manifests/etcd.yaml")), "../"},
           {file("manifest", in("data/server/tls/serving-kube-apiserver.crt")), "kube-apiserver"},
           {file("certificate", in("data/server/tls/server-ca.key")), "server-ca.key"},
           {file("certificate", manifest_), manifest_},
           {kept_as(bystander_), bystander_},
           {kept_as(in("data/agent/.hookshot-h-2-etcd.yaml")), "-h-2-"},
           {in_place, ".hookshot-h-1"},
           {of_unit, "sshd.service"},
           {{{"kind", "throttled"}, {"file", bystander_}, {"disk", "8:0"}, {"limit", "riops=9"}},
            bystander_},
           {{{"kind", "throttled"}, {"file", "/sys/fs/cgroup/cgroup.procs"}}, "cgroup.procs"},
           {{{"kind", "throttled"}, {"file", "/sys/fs/cgroup/../x/io.max"}}, "../x"},
           {slowed("sshd.service", "/run/systemd/system.control/sshd.service.d/50-CPUQuota.conf"),
            "sshd.service"},
           {slowed("rke2-server.service", bystander_), bystander_},
           {{{"kind", "stopped"}, {"unit", "sshd.service"}}, "sshd.service"},
           {{{"kind", "stopped"}, {"unit", "--root=/x"}}, "--root=/x"},
           {clock({"chronyd.service", "sshd.service"}), "sshd.service"},
           {clock("sshd.service"), "sshd.service"},
           {clock(Json::array({1})), "[1]"}}) {
    SCOPED_TRACE(held.dump());
    const Healed healed = undone(held);
    EXPECT_EQ(healed.state, "DIRTY");
    EXPECT_THAT(healed.summary, HasSubstr(named));
    EXPECT_THAT(healed.summary, HasSubstr("what the record holds is damaged"));
    EXPECT_EQ(store_.load("h-1")->state(), "DIRTY");
    EXPECT_TRUE(store_.quarantined());
    EXPECT_EQ(read_whole(bystander_).value_or(""), "8:0 riops=9\n");
    EXPECT_EQ(read_whole(store_.before_of("h-1")).value_or(""), "what stood there\n");
    EXPECT_FALSE(there(manifest_));
    for (const char* asked : {"sshd", "--root", "set-property", "daemon-reload", "chronyd"}) {
      EXPECT_THAT(tools_.asked(), Not(HasSubstr(asked)));
    }
    fs::remove_all(store_.armed_dir() + "/h-1");
  }
}

TEST_F(Confined, takes_back_every_file_that_a_fault_swaps) {
  for (const char* name : {"data/agent/pod-manifests/etcd.yaml",
                           "data/agent/pod-manifests/kube-apiserver.yaml",
                           "data/server/tls/etcd/server-client.crt",
                           "data/server/tls/etcd/peer-server-client.crt",
                           "data/server/tls/serving-kube-apiserver.crt",
                           "data/agent/serving-kubelet.crt"}) {
    const std::string path = in(name);
    const bool pod = path.ends_with(".yaml");
    const Healed healed = undone({{"kind", pod ? "manifest" : "certificate"},
                                  {"path", path},
                                  {"aside", store_.before_of("h-1")},
                                  {"mode", 0600},
                                  {"uid", getuid()},
                                  {"gid", getgid()},
                                  {"away", pod},
                                  {"in_place", !pod}});
    EXPECT_EQ(healed.state, "VERIFIED") << name << ": " << healed.summary;
    EXPECT_EQ(read_whole(path).value_or(""), "what stood there\n") << name;
    fs::remove_all(store_.done_dir() + "/h-1");
  }
}

}  // namespace
}  // namespace harness::guard
