#include <fmt/format.h>
#include <unistd.h>

#include "harness/guard/verbs.h"

// The run lease of a cluster: one file on its first server, {"holder", "epoch", "ttl_ms",
// "renewed_wall_us", "renewed_mono_us", "boot_id"}. A lease of another boot, or one not renewed
// within its time, is over.
namespace harness::guard {
namespace {

constexpr std::int64_t kLongestTtlMs = 3'600'000;

std::string lease_file() {
  return std::string(kStateDir) + "/lease.json";
}

Json current() {
  return parse_json(read_whole(lease_file(), 4096).value_or("null")).value_or(Json());
}

// A reboot, which may be the run's own fault, does not end its lease: then the wall clock tells.
std::int64_t age_ms(const Json& lease) {
  const Now stamp = now();
  return json_string(lease, "boot_id") == boot_id()
             ? (stamp.mono_us - json_int(lease, "renewed_mono_us")) / 1000
             : (stamp.wall_us - json_int(lease, "renewed_wall_us")) / 1000;
}

bool live(const Json& lease) {
  return lease.is_object() && age_ms(lease) < json_int(lease, "ttl_ms");
}

Result<Json> asked(const Json& record) {
  TRY(check_allowed(json_string(record, "cluster")), "lease");
  const std::string holder = json_string(record, "holder");
  const std::string epoch = json_string(record, "epoch");
  const std::int64_t ttl = json_int(record, "ttl_ms", 60'000);
  if (holder.empty() || holder.size() > 200 || epoch.empty() || epoch.size() > 100 || ttl < 1000 ||
      ttl > kLongestTtlMs) {
    return fail(ErrorCode::invalid_input,
                "lease: holder, epoch and ttl_ms (1000 to 3600000) are wanted");
  }
  const Now stamp = now();
  return Json{{"type", "lease"},
              {"holder", holder},
              {"epoch", epoch},
              {"ttl_ms", ttl},
              {"renewed_wall_us", stamp.wall_us},
              {"renewed_mono_us", stamp.mono_us},
              {"boot_id", boot_id()}};
}

Status check_ours(const Json& held, const Json& wanted) {
  if (!live(held) || json_string(held, "epoch") == json_string(wanted, "epoch")) {
    return {};
  }
  return fail(ErrorCode::refused,
              fmt::format("lease: {} holds this cluster, renewed {} s ago; wait for that run, or "
                          "end it. The lease ends by itself {} s after "
                          "its last renewal",
                          json_string(held, "holder"),
                          age_ms(held) / 1000,
                          json_int(held, "ttl_ms") / 1000));
}

Status put(const Json& lease) {
  TRY(make_dir(std::string(kStateDir)), "lease");
  TRY(write_durable(lease_file(), lease.dump()), "lease");
  emit(lease);
  return {};
}

}  // namespace

Status verb_lease_acquire(const Store& store, const Json& record) {
  TRY_ASSIGN(const Json wanted, asked(record), "acquire");
  TRY(make_dir(store.dir()), "acquire");
  const StoreLock lock(store);
  TRY(check_ours(current(), wanted), "acquire");
  return put(wanted);
}

Status verb_lease_renew(const Store& store, const Json& record) {
  TRY_ASSIGN(const Json wanted, asked(record), "renew");
  TRY(make_dir(store.dir()), "renew");
  const StoreLock lock(store);
  TRY(check_ours(current(), wanted), "renew");
  return put(wanted);
}

Status verb_lease_release(const Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster")), "release");
  TRY(make_dir(store.dir()), "release");
  const StoreLock lock(store);
  const Json held = current();
  if (held.is_object() && json_string(held, "epoch") == json_string(record, "epoch")) {
    unlink(lease_file().c_str());
  }
  emit({{"type", "lease"}, {"released", true}});
  return {};
}

}  // namespace harness::guard
