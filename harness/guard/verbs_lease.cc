#include <algorithm>

#include <fmt/format.h>

#include "harness/guard/verbs.h"

// The run lease of a cluster: one file on its first server, {"holder", "epoch", "ttl_ms",
// "renewed_wall_us", "renewed_mono_us", "boot_id"}. It is over when it was not renewed within its
// time, or was released; then {"holder", "epoch", "released_wall_us"} stays, so that nobody who
// slept meanwhile takes it for his own. A reboot, which may be the run's own fault, does not end
// it, but one that was renewed later than the clock says by then is over: that clock was set.
// Renewing is for whoever has it, also when it has lapsed and nobody took it since.
namespace harness::guard {
namespace {

constexpr std::int64_t kLongestTtlMs = 3'600'000;
constexpr std::int64_t kClockErrorMs = 30'000;
constexpr const char* kKey = "lease";

std::string lease_file(const Store& store) {
  return store.dir() + "/lease.json";
}

Json current(const Store& store) {
  return store.mirror().get(kKey, lease_file(store)).value_or(Json());
}

// The monotonic clock begins anew with each boot: after one the wall clock tells.
std::int64_t age_ms(const Json& lease) {
  const Now stamp = now();
  return json_string(lease, "boot_id") == boot_id()
             ? (stamp.mono_us - json_int(lease, "renewed_mono_us")) / 1000
             : (stamp.wall_us - json_int(lease, "renewed_wall_us")) / 1000;
}

bool released(const Json& lease) {
  return lease.is_object() && lease.contains("released_wall_us");
}

bool live(const Json& lease) {
  return lease.is_object() && !released(lease) && age_ms(lease) < json_int(lease, "ttl_ms") &&
         age_ms(lease) >= -kClockErrorMs;
}

std::string when_renewed(const Json& lease) {
  const std::int64_t age = age_ms(lease);
  return age < -kClockErrorMs
             ? fmt::format("renewed in an earlier boot whose clock was {} s ahead", -age / 1000)
             : fmt::format("renewed {} s ago", std::max<std::int64_t>(age, 0) / 1000);
}

bool same_holder(const Json& one, const Json& other) {
  return json_string(one, "epoch") == json_string(other, "epoch") &&
         json_string(one, "holder") == json_string(other, "holder");
}

// Who has it is told in messages and in the node's journal.
Status check_name(const char* field, const std::string& text, std::size_t limit) {
  bool plain = text == one_line(text);
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {  // C1, as UTF-8 has it
    plain = plain && !(text[i] == '\xc2' && static_cast<unsigned char>(text[i + 1]) < 0xa0);
  }
  if (!text.empty() && text.size() <= limit && plain) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("lease: {}: 1 to {} bytes without control characters are wanted; {} "
                          "came, {} control characters",
                          field,
                          limit,
                          text.size(),
                          plain ? "without" : "with"));
}

Result<Json> asked(const Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "lease");
  Json wanted = {{"type", "lease"},
                 {"holder", json_string(record, "holder")},
                 {"epoch", json_string(record, "epoch")},
                 {"ttl_ms", json_int(record, "ttl_ms", 60'000)},
                 {"boot_id", boot_id()}};
  TRY(check_name("holder", wanted["holder"], 200), "");
  TRY(check_name("epoch", wanted["epoch"], 100), "");
  if (wanted["ttl_ms"] < 1000 || wanted["ttl_ms"] > kLongestTtlMs) {
    return fail(ErrorCode::invalid_input, "lease: ttl_ms must be between 1000 and 3600000");
  }
  return wanted;
}

Status check_free(const Json& held, const Json& wanted) {
  if (!live(held) || same_holder(held, wanted)) {
    return {};
  }
  return fail(ErrorCode::refused,
              fmt::format("lease: {} holds this cluster, {}; wait for that run, or "
                          "end it. The lease ends by itself {} s after "
                          "its last renewal",
                          json_string(held, "holder"),
                          when_renewed(held),
                          json_int(held, "ttl_ms") / 1000));
}

Status check_ours(const Json& held, const Json& wanted) {
  if (same_holder(held, wanted) && !released(held)) {
    return {};
  }
  if (!held.is_object()) {
    return fail(ErrorCode::refused,
                fmt::format("lease: {} has no lease of this cluster, and nobody else has one: it "
                            "was taken away; begin a new run",
                            json_string(wanted, "holder")));
  }
  const std::string whose = same_holder(held, wanted) ? "" : ", who took it after yours lapsed";
  return fail(
      ErrorCode::refused,
      released(held)
          ? fmt::format("lease: this cluster's lease was released {} s ago by {}{}; begin a "
                        "new run",
                        (now().wall_us - json_int(held, "released_wall_us")) / 1'000'000,
                        json_string(held, "holder"),
                        whose)
          : fmt::format("lease: {} {} this cluster{}, {}; this run must end",
                        json_string(held, "holder"),
                        live(held) ? "holds" : "had",
                        whose,
                        when_renewed(held)));
}

Status put(const Store& store, Json lease) {
  const Now stamp = now();
  lease["renewed_wall_us"] = stamp.wall_us;
  lease["renewed_mono_us"] = stamp.mono_us;
  TRY(store.mirror().put(kKey, lease_file(store), lease, Sync::waited), "lease");
  emit(lease);
  return {};
}

}  // namespace

Status verb_lease_acquire(const Store& store, const Json& record) {
  TRY_ASSIGN(const Json wanted, asked(store, record), "acquire");
  TRY(make_dir(store.dir()), "acquire");
  TRY_ASSIGN(const DirectoryLock lock, store.lock(), "acquire");
  TRY(check_free(current(store), wanted), "acquire");
  return put(store, wanted);
}

Status verb_lease_renew(const Store& store, const Json& record) {
  TRY_ASSIGN(const Json wanted, asked(store, record), "renew");
  TRY_ASSIGN(const DirectoryLock lock, store.lock(), "renew");
  TRY(check_ours(current(store), wanted), "renew");
  return put(store, wanted);
}

Status verb_lease_release(const Store& store, const Json& record) {
  TRY(check_allowed(json_string(record, "cluster"), store.places().allow), "release");
  TRY_ASSIGN(const DirectoryLock lock, store.lock(), "release");
  const Json held = current(store);
  const bool ours = held.is_object() && same_holder(held, record) && !released(held);
  if (ours) {
    const Json mark = {
        {"holder", held["holder"]}, {"epoch", held["epoch"]}, {"released_wall_us", now().wall_us}};
    TRY(store.mirror().put(kKey, lease_file(store), mark, Sync::waited), "release");
  }
  emit({{"type", "lease"}, {"released", ours}});
  return {};
}

}  // namespace harness::guard
