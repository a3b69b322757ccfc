#include "harness/guard/action_rows.h"

#include <algorithm>

namespace harness::guard {
namespace {

constexpr std::int64_t kFarthestMs = 366LL * 24 * 3600 * 1000;
constexpr std::int64_t kLongestDelayUs = 10'000'000;

}  // namespace

// NOLINTNEXTLINE(readability-function-size): a table
const std::vector<Form>& forms() {
  static const Words pods = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"};
  static const std::vector<Form> all = {
      {.name = "none"},
      {.name = "kill",
       .kind = Action::Kind::kill,
       .pods = pods,
       .ways = {"task", "process", "shim", "sandbox"}},
      {.name = "reboot",
       .kind = Action::Kind::reboot,
       .ways = {"graceful", "hard", "panic", "power"}},
      {.name = "freeze", .kind = Action::Kind::freeze, .pods = pods, .lasting = true},
      {.name = "service",
       .kind = Action::Kind::service,
       .ways = {"freeze", "kill", "stop"},
       .at_once = {"kill"},
       .lasting = true},
      {.name = "slow",
       .kind = Action::Kind::slow,
       .ways = {"1", "5", "10", "20", "50"},
       .lasting = true},
      {.name = "child",
       .kind = Action::Kind::child,
       .objects = {"containerd", "kubelet"},
       .ways = {"freeze", "kill"},
       .at_once = {"kill"},
       .lasting = true},
      {.name = "manifest",
       .kind = Action::Kind::manifest,
       .pods = pods,
       .ways = {"break", "move", "uid"},
       .lasting = true,
       .survives_reboot = true},
      {.name = "delay", .kind = Action::Kind::delay, .pods = pods, .lasting = true},
      {.name = "burn",
       .kind = Action::Kind::burn,
       .lasting = true,
       .amounts = {{"cores", 0, 4096}}},
      {.name = "memory",
       .kind = Action::Kind::memory,
       .lasting = true,
       .amounts = {{"leave_mb", 16, 1 << 24}}},
      {.name = "fill",
       .kind = Action::Kind::fill,
       .objects = {"etcd", "images", "logs"},
       .lasting = true,
       .amounts = {{"keep_free_mb", 0, 256}, {"may_fill_root", 0, 1}}},
      {.name = "throttle",
       .kind = Action::Kind::throttle,
       .pods = pods,
       .lasting = true,
       .amounts = {{"iops", 2, 1'000'000}}},
      {.name = "clock",
       .kind = Action::Kind::clock,
       .lasting = true,
       .amounts = {{"offset_ms", -kFarthestMs, kFarthestMs}}},
      {.name = "certificate",
       .kind = Action::Kind::certificate,
       .objects = {"etcd-peer", "etcd-server", "kube-apiserver", "kubelet"},
       .lasting = true,
       .survives_reboot = true,
       .amounts = {{"expires_in_s", 0, 600}}},
      {.name = "partition",
       .kind = Action::Kind::partition,
       .objects = {"apiserver", "cni-overlay", "control-plane", "etcd-peers", "supervisor"},
       .ways = {"drop", "reset"},
       .lasting = true,
       .directions = {"both", "in", "out"},
       .addresses = true},
      {.name = "dns", .kind = Action::Kind::dns, .ways = {"drop", "reset"}, .lasting = true},
      {.name = "registry", .kind = Action::Kind::registry, .lasting = true, .host = true},
      {.name = "netem",
       .kind = Action::Kind::netem,
       .lasting = true,
       .amounts = {{"delay_us", 0, kLongestDelayUs},
                   {"duplicate_percent", 0, 100},
                   {"jitter_us", 0, kLongestDelayUs},
                   {"loss_percent", 0, 100},
                   {"rate_kbit", 0, 100'000'000},
                   {"reorder_percent", 0, 100}},
       .addresses = true},
  };
  return all;
}

const Form& form_of(Action::Kind kind) {
  return *std::ranges::find(forms(), kind, &Form::kind);
}

}  // namespace harness::guard
