#include "harness/report/report.h"

namespace harness::report {

Json Model::to_json() const {
  Json out = {{"run", run},
              {"verdict", check::to_string(verdict())},
              {"tool", tool},
              {"seed", seed},
              {"inventory", inventory},
              {"cluster", cluster},
              {"started", started},
              {"finished", finished},
              {"dirty", dirty},
              {"cases", Json::array()}};
  for (const check::CaseVerdict& one : cases) {
    Json item = one.to_json();
    for (Json& trial : item["trials"]) {
      trial["repeat"] = "hookshot run --filter '" + one.name + "' --seed " + std::to_string(seed);
    }
    out["cases"].push_back(std::move(item));
  }
  return out;
}

std::string to_verdict_json(const Model& model) {
  return model.to_json().dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string printable(std::string_view text, std::size_t limit) {
  const bool cut = text.size() > limit;
  // A cut in the middle of a character would not be UTF-8.
  while (cut && limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) {
    --limit;
  }
  std::string out;
  for (const char c : text.substr(0, limit)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
    out += control ? '?' : c;
  }
  return cut ? out + " [cut]" : out;
}

}  // namespace harness::report
