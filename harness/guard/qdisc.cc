#include "harness/guard/qdisc.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace harness::guard {
namespace {

constexpr std::array<std::string_view, 5> kDefaults = {
    "noqueue", "mq", "fq_codel", "fq", "pfifo_fast"};

}  // namespace

std::string said_by_tc(const Finished& finished) {
  return finished.timed_out ? "no answer in 10 s"
                            : one_line((finished.err + finished.out).substr(0, 300));
}

Result<std::vector<Qdisc>> qdiscs_of(const std::string& json) {
  const auto list = parse_json(json);
  if (!list || !list->is_array()) {
    return fail(ErrorCode::remote_failed,
                "tc -j qdisc show prints no list: " + one_line(json.substr(0, 200)));
  }
  std::vector<Qdisc> out;
  for (const Json& one : *list) {
    if (one.is_object() && !json_string(one, "kind").empty()) {
      out.push_back(
          {.device = json_string(one, "dev"),
           .kind = json_string(one, "kind"),
           .handle = json_string(one, "handle"),
           .parent = json_bool(one, "root") ? "" : json_string(one, "parent", "?"),
           .packets = json_int(one, "packets") + json_int(one, "drops") + json_int(one, "qlen")});
    }
  }
  return out;
}

Result<std::vector<Qdisc>> read_qdiscs(const Means& means) {
  TRY_ASSIGN(const Finished asked,
             means.feed({"tc", "-j", "-s", "qdisc", "show"}, "", kTcLimit),
             "list the qdiscs");
  if (!asked.ok()) {
    return fail(ErrorCode::remote_failed, "tc qdisc show: " + said_by_tc(asked));
  }
  return qdiscs_of(asked.out);
}

Status check_untouched(const std::vector<Qdisc>& all, const std::string& device) {
  for (const Qdisc& one : all) {
    const bool ours_to_replace =
        one.handle == "0:" &&
        (!one.parent.empty() || std::ranges::find(kDefaults, one.kind) != kDefaults.end());
    if (one.device == device && !ours_to_replace && one.kind != "clsact" && one.kind != "ingress") {
      return fail(ErrorCode::refused,
                  fmt::format("{} has the qdisc {} {}, which somebody set up; it is left alone",
                              device,
                              one.kind,
                              one.handle));
    }
  }
  return {};
}

const Qdisc* find_qdisc(const std::vector<Qdisc>& all,
                        const std::string& device,
                        const std::string& kind,
                        const std::string& handle) {
  const auto found = std::ranges::find_if(all, [&](const Qdisc& one) {
    return one.device == device && one.kind == kind && one.handle == handle;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace harness::guard
